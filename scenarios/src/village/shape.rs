//! Where a service drop meets a house.

use crate::model::Building;

/// The point of a building's outline nearest to `from_m`; a building without outline is its centre.
#[must_use]
pub(crate) fn drop_point(building: &Building, from_m: [f64; 2]) -> [f64; 2] {
    let ring = &building.outline_m;
    let Some(&last) = ring.last() else { return building.at_m };
    let mut best = (f64::INFINITY, building.at_m);
    let mut start = last;
    for &end in ring {
        let at = nearest_on_edge(start, end, from_m);
        let far = distance_m(at, from_m);
        if far < best.0 {
            best = (far, at);
        }
        start = end;
    }
    best.1
}

/// Distance between two points, metres.
#[must_use]
pub(crate) fn distance_m(a: [f64; 2], b: [f64; 2]) -> f64 {
    let (x, y) = (a[0] - b[0], a[1] - b[1]);
    (x * x + y * y).sqrt()
}

fn nearest_on_edge(a: [f64; 2], b: [f64; 2], p: [f64; 2]) -> [f64; 2] {
    let (x, y) = (b[0] - a[0], b[1] - a[1]);
    let length2 = x * x + y * y;
    let along = if length2 > 0.0 { (((p[0] - a[0]) * x + (p[1] - a[1]) * y) / length2).clamp(0.0, 1.0) } else { 0.0 };
    [a[0] + along * x, a[1] + along * y]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Roof, Wall};

    #[test]
    fn a_drop_ends_at_the_nearest_wall() {
        let outline_m = vec![[0.0, 0.0], [10.0, 0.0], [10.0, 6.0], [0.0, 6.0]];
        let house = |outline_m| Building {
            id: "b1".to_owned(),
            outline_m,
            at_m: [5.0, 3.0],
            area_m2: 60.0,
            roof: Roof::Iron,
            wall: Wall::Mud,
            customer: None,
        };
        let at = |ring: &[[f64; 2]], from| drop_point(&house(ring.to_vec()), from);
        assert!(distance_m(at(&outline_m, [5.0, -20.0]), [5.0, 0.0]) < 1e-12);
        assert!(distance_m(at(&outline_m, [30.0, 30.0]), [10.0, 6.0]) < 1e-12);
        assert!(distance_m(at(&[], [30.0, 30.0]), [5.0, 3.0]) < 1e-12);
    }
}
