//! Outlines: cleaning, area, centroid, and whether they cross themselves.

/// Metres per degree of latitude on a sphere of 6371 km; good to 0.6 %, enough to judge a footprint's area.
const METRES_PER_DEG: f64 = 111_194.9;

/// Area below which an outline counts as degenerate, square metres.
pub(super) const AREA_MIN_M2: f64 = 0.1;

/// What an outline measures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measure {
    pub(super) area_m2: f64,
    pub(super) centre_deg: [f64; 2],
}

/// Drops corners that repeat their predecessor, and the closing corner.
pub(super) fn clean(ring: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut corners: Vec<[f64; 2]> = Vec::with_capacity(ring.len());
    for &corner in ring {
        if corners.last() != Some(&corner) {
            corners.push(corner);
        }
    }
    while corners.len() > 1 && corners.first() == corners.last() {
        corners.pop();
    }
    corners
}

/// Area and centroid of a cleaned ring (shoelace formula about the first corner, which keeps the digits).
pub(super) fn measure(ring: &[[f64; 2]]) -> Measure {
    let Some(&[lon_0, lat_0]) = ring.first() else { return Measure { area_m2: 0.0, centre_deg: [0.0; 2] } };
    let east = METRES_PER_DEG * libm::cos(lat_0.to_radians());
    let local = |corner: [f64; 2]| [(corner[0] - lon_0) * east, (corner[1] - lat_0) * METRES_PER_DEG];
    let (mut twice, mut x_sum, mut y_sum) = (0.0, 0.0, 0.0);
    for (a, b) in edges(ring) {
        let (a, b) = (local(a), local(b));
        let cross = a[0] * b[1] - b[0] * a[1];
        twice += cross;
        x_sum += (a[0] + b[0]) * cross;
        y_sum += (a[1] + b[1]) * cross;
    }
    if twice.abs() < 2.0 * AREA_MIN_M2 {
        let n = ring.len() as f64;
        let mean = |axis: usize| ring.iter().map(|corner| corner[axis]).sum::<f64>() / n;
        return Measure { area_m2: twice.abs() / 2.0, centre_deg: [mean(0), mean(1)] };
    }
    let (x, y) = (x_sum / (3.0 * twice), y_sum / (3.0 * twice));
    Measure { area_m2: twice.abs() / 2.0, centre_deg: [lon_0 + x / east, lat_0 + y / METRES_PER_DEG] }
}

/// The first pair of edges that properly cross, with the point. Edges that merely touch are common in drawn data and
/// harmless.
pub(super) fn crossing(ring: &[[f64; 2]]) -> Option<(usize, usize, [f64; 2])> {
    let n = ring.len();
    let edge = |i: usize| (ring[i], ring[(i + 1) % n]);
    for i in 0..n {
        for j in i + 2..n {
            if i == 0 && j == n - 1 {
                continue;
            }
            if let Some(point) = cross_at(edge(i), edge(j)) {
                return Some((i, j, point));
            }
        }
    }
    None
}

/// Whether a point lies within a ring (even-odd rule).
pub(super) fn contains(ring: &[[f64; 2]], point: [f64; 2]) -> bool {
    let mut inside = false;
    for (a, b) in edges(ring) {
        if (a[1] > point[1]) != (b[1] > point[1]) {
            let x = a[0] + (point[1] - a[1]) / (b[1] - a[1]) * (b[0] - a[0]);
            inside ^= point[0] < x;
        }
    }
    inside
}

fn edges(ring: &[[f64; 2]]) -> impl Iterator<Item = ([f64; 2], [f64; 2])> + '_ {
    ring.iter().copied().zip(ring.iter().copied().cycle().skip(1))
}

fn cross_at((a, b): ([f64; 2], [f64; 2]), (c, d): ([f64; 2], [f64; 2])) -> Option<[f64; 2]> {
    let side = |p: [f64; 2], q: [f64; 2], r: [f64; 2]| (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
    let (c_side, d_side) = (side(a, b, c), side(a, b, d));
    let (a_side, b_side) = (side(c, d, a), side(c, d, b));
    let opposite = |p: f64, q: f64| (p > 0.0 && q < 0.0) || (p < 0.0 && q > 0.0);
    if !opposite(c_side, d_side) || !opposite(a_side, b_side) {
        return None;
    }
    let t = a_side / (a_side - b_side);
    Some([a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_of_ten_metres_has_a_hundred_square_metres() {
        let side = 10.0 / METRES_PER_DEG;
        let ring = clean(&[[0.0, 0.0], [side, 0.0], [side, 0.0], [side, side], [0.0, side], [0.0, 0.0]]);
        assert_eq!(ring.len(), 4);
        let found = measure(&ring);
        assert!((found.area_m2 - 100.0).abs() < 1e-6, "{found:?}");
        assert!((found.centre_deg[0] - side / 2.0).abs() < 1e-12);
        assert!(contains(&ring, found.centre_deg));
        assert!(!contains(&ring, [2.0 * side, side / 2.0]));
        assert_eq!(crossing(&ring), None);
    }

    #[test]
    fn a_bow_tie_crosses_in_the_middle() {
        let (i, j, at) = crossing(&[[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]).unwrap();
        assert_eq!((i, j), (0, 2));
        assert!((at[0] - 0.5).abs() < 1e-12 && (at[1] - 0.5).abs() < 1e-12);
    }
}
