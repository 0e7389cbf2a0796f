//! As much of complex numbers as Fresnel's coefficients need, on `libm` so that results agree across platforms.

use core::ops::{Add, Div, Mul, Sub};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Complex {
    pub(super) re: f64,
    pub(super) im: f64,
}

impl Complex {
    pub(super) const ONE: Self = Self { re: 1.0, im: 0.0 };

    pub(super) const fn new(re: f64, im: f64) -> Self {
        Self { re, im }
    }

    pub(super) fn abs(self) -> f64 {
        libm::hypot(self.re, self.im)
    }

    pub(super) fn scaled(self, by: f64) -> Self {
        Self::new(self.re * by, self.im * by)
    }

    /// The root with a real part of zero or more.
    pub(super) fn sqrt(self) -> Self {
        let size = self.abs();
        let re = libm::sqrt(f64::midpoint(size, self.re).max(0.0));
        let im = libm::sqrt(((size - self.re) * 0.5).max(0.0));
        Self::new(re, if self.im < 0.0 { -im } else { im })
    }

    pub(super) fn exp(self) -> Self {
        Self::new(libm::cos(self.im), libm::sin(self.im)).scaled(libm::exp(self.re))
    }
}

impl Add for Complex {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self::new(self.re + o.re, self.im + o.im)
    }
}

impl Sub for Complex {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        Self::new(self.re - o.re, self.im - o.im)
    }
}

impl Mul for Complex {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        Self::new(self.re * o.re - self.im * o.im, self.re * o.im + self.im * o.re)
    }
}

impl Div for Complex {
    type Output = Self;
    fn div(self, o: Self) -> Self {
        let square = o.re * o.re + o.im * o.im;
        Self::new((self.re * o.re + self.im * o.im) / square, (self.im * o.re - self.re * o.im) / square)
    }
}
