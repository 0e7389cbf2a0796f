//! Hills and houses as knife edges (ITU-R P.526): one edge exactly, several by Bullington's equivalent edge, by the
//! cascade of the main edge and one on either side (after Deygout), or edge by edge (Epstein-Peterson).
//!
//! Bullington sees only the two horizons and errs low over several edges of like height; Epstein-Peterson sees each
//! edge between its neighbours and errs low where they stand close; the cascade errs high when there are many.

use super::wavelength_m;

/// Effective radius of the earth at median refraction, m (P.526: 8500 km).
pub const EARTH_M: f64 = 8.5e6;

/// Fresnel's parameter ν of an edge `above_m` over the line of sight.
#[must_use]
pub fn edge_parameter(frequency_hz: f64, above_m: f64, to_a_m: f64, to_b_m: f64) -> f64 {
    above_m * libm::sqrt(2.0 / wavelength_m(frequency_hz) * (1.0 / to_a_m + 1.0 / to_b_m))
}

/// J(ν), loss over one knife edge, dB: the approximation of P.526 §4.1, zero for ν ≤ −0.78.
#[must_use]
pub fn edge_db(parameter: f64) -> f64 {
    if parameter <= -0.78 {
        return 0.0;
    }
    let x = parameter - 0.1;
    6.9 + 20.0 * libm::log10(libm::sqrt(x * x + 1.0) + x)
}

/// A point of the ground or a roof between the antennas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Distance from the first antenna, m.
    pub at_m: f64,
    /// Height above the common zero, m.
    pub height_m: f64,
}

/// A path: both antennas and what stands between them, ordered by distance.
#[derive(Clone, Copy, Debug)]
pub struct Profile<'a> {
    /// Carrier, Hz.
    pub frequency_hz: f64,
    /// Height of the first antenna above the common zero, m.
    pub from_m: f64,
    /// Height of the second, m.
    pub to_m: f64,
    /// Length of the path, m.
    pub length_m: f64,
    /// Points strictly between the ends.
    pub points: &'a [Point],
}

impl Profile<'_> {
    /// Bullington's equivalent edge with the correction of P.526 §4.5.1, dB.
    #[must_use]
    pub fn bullington_db(&self) -> f64 {
        let (from, to) = self.ends();
        let direct = (self.to_m - self.from_m) / self.length_m;
        let slope = |end: Point, p: &Point| (self.raised(p) - end.height_m) / (p.at_m - end.at_m).abs();
        let Some(ahead) = self.points.iter().map(|p| slope(from, p)).reduce(f64::max) else { return 0.0 };
        let alone = if ahead < direct {
            let worst = self.points.iter().map(|p| self.parameter(from, to, *p)).fold(f64::MIN, f64::max);
            edge_db(worst)
        } else {
            let back = self.points.iter().map(|p| slope(to, p)).fold(f64::MIN, f64::max);
            let at_m =
                ((self.to_m - self.from_m + back * self.length_m) / (ahead + back)).clamp(1e-3, self.length_m - 1e-3);
            let line_m = self.from_m + direct * at_m;
            let above_m = self.from_m + ahead * at_m - line_m;
            edge_db(edge_parameter(self.frequency_hz, above_m, at_m, self.length_m - at_m))
        };
        alone + (1.0 - libm::exp(-alone / 6.0)) * (10.0 + 0.02 * self.length_m / 1000.0)
    }

    /// The main edge and the worst on either side of it (P.526's cascaded knife edges, after Deygout), dB.
    #[must_use]
    pub fn cascade_db(&self) -> f64 {
        let (from, to) = self.ends();
        let Some((main, parameter)) = self.worst(from, to) else { return 0.0 };
        if parameter <= -0.78 {
            return 0.0;
        }
        let top = Point { at_m: main.at_m, height_m: self.raised(&main) };
        let side = |a, b| self.worst(a, b).map_or(0.0, |(_, v)| edge_db(v));
        let alone = edge_db(parameter);
        let sides = side(from, top) + side(top, to);
        if sides <= 0.0 {
            return alone;
        }
        alone + (1.0 - libm::exp(-alone / 6.0)) * (sides + 10.0 + 0.04 * self.length_m / 1000.0)
    }

    /// Each edge between its neighbours, summed (Epstein-Peterson), dB. Only points that a string drawn tight over the
    /// path would touch are edges.
    #[must_use]
    pub fn edge_by_edge_db(&self) -> f64 {
        let string = self.string();
        if string.len() == 2 {
            let (from, to) = self.ends();
            return self.worst(from, to).map_or(0.0, |(_, v)| edge_db(v));
        }
        string.windows(3).map(|w| edge_db(flat_parameter(self.frequency_hz, w[0], w[2], w[1]))).sum()
    }

    const fn ends(&self) -> (Point, Point) {
        (Point { at_m: 0.0, height_m: self.from_m }, Point { at_m: self.length_m, height_m: self.to_m })
    }

    /// Height with the earth's curvature between the ends (0.13 m in the middle of 3 km).
    fn raised(&self, p: &Point) -> f64 {
        p.height_m + p.at_m * (self.length_m - p.at_m) / (2.0 * EARTH_M)
    }

    fn parameter(&self, a: Point, b: Point, p: Point) -> f64 {
        flat_parameter(self.frequency_hz, a, b, Point { height_m: self.raised(&p), ..p })
    }

    fn worst(&self, a: Point, b: Point) -> Option<(Point, f64)> {
        let between = self.points.iter().filter(|p| p.at_m > a.at_m && p.at_m < b.at_m);
        between.map(|p| (*p, self.parameter(a, b, *p))).reduce(|x, y| if y.1 > x.1 { y } else { x })
    }

    fn string(&self) -> Vec<Point> {
        let (from, to) = self.ends();
        let mut tight = vec![from];
        let raised = self.points.iter().map(|p| Point { at_m: p.at_m, height_m: self.raised(p) });
        for p in raised.chain([to]) {
            while let [.., a, b] = tight[..] {
                let line = a.height_m + (p.height_m - a.height_m) * (b.at_m - a.at_m) / (p.at_m - a.at_m);
                if b.height_m > line {
                    break;
                }
                tight.pop();
            }
            tight.push(p);
        }
        tight
    }
}

fn flat_parameter(frequency_hz: f64, a: Point, b: Point, p: Point) -> f64 {
    let share = (p.at_m - a.at_m) / (b.at_m - a.at_m);
    let line_m = a.height_m + (b.height_m - a.height_m) * share;
    edge_parameter(frequency_hz, p.height_m - line_m, p.at_m - a.at_m, b.at_m - p.at_m)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(points: &[Point]) -> Profile<'_> {
        Profile { frequency_hz: 868e6, from_m: 3.0, to_m: 3.0, length_m: 600.0, points }
    }

    const fn edge(at_m: f64, height_m: f64) -> Point {
        Point { at_m, height_m }
    }

    #[test]
    fn one_edge_costs_the_same_edge_by_edge_and_in_the_cascade() {
        let hill = [edge(200.0, 8.0)];
        let raised = 5.0 + 200.0 * 400.0 / (2.0 * EARTH_M);
        let alone = edge_db(edge_parameter(868e6, raised, 200.0, 400.0));
        assert!((over(&hill).cascade_db() - alone).abs() < 1e-9);
        assert!((over(&hill).edge_by_edge_db() - alone).abs() < 1e-9);
        let bullington = over(&hill).bullington_db();
        assert!((bullington - alone - (1.0 - libm::exp(-alone / 6.0)) * 10.012).abs() < 1e-6, "{bullington} {alone}");
    }

    #[test]
    fn nothing_in_the_way_costs_nothing_and_more_edges_cost_more() {
        let flat: Vec<Point> = (1..60).map(|i| edge(f64::from(i) * 10.0, -40.0)).collect();
        for free in [over(&[]), over(&flat)] {
            for loss in [free.cascade_db(), free.edge_by_edge_db(), free.bullington_db()] {
                assert!(loss.abs() < 1e-12, "{loss}");
            }
        }
        let (one, two) = ([edge(200.0, 9.0)], [edge(200.0, 9.0), edge(400.0, 9.0)]);
        assert!(over(&two).cascade_db() > over(&one).cascade_db());
        assert!(over(&two).edge_by_edge_db() > over(&one).edge_by_edge_db());
        // A point under the string is no edge.
        let hidden = [edge(200.0, 9.0), edge(300.0, 5.0), edge(400.0, 9.0)];
        assert!((over(&hidden).edge_by_edge_db() - over(&two).edge_by_edge_db()).abs() < 1e-12);
    }
}
