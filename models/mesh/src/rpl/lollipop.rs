//! Lollipop counters (RFC 6550 §7.2): 128–255 is the straight part that a restart begins on, 0–127 the circle.
//!
//! The straight part exists so that a restarted node is seen as restarted. It fails for a counter that was itself
//! still on the straight part: a root that comes back with 240 while its network is at 241–255 (or, across the
//! joint, at up to 256 + 15 − 240) looks old, and its network turns away from it.

/// Two values further apart than this say nothing about each other (§7.2, SEQUENCE_WINDOW).
pub const WINDOW: u8 = 16;
/// Where a counter starts (§7.2: 256 − SEQUENCE_WINDOW).
pub const INITIAL: u8 = 240;

/// How one value stands to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Older.
    Less,
    /// The same.
    Equal,
    /// Newer.
    Greater,
    /// Too far apart: one side has been away.
    Incomparable,
}

/// The value after this one.
#[must_use]
pub const fn next(value: u8) -> u8 {
    match value {
        127 | 255 => 0,
        value => value + 1,
    }
}

/// How `a` stands to `b`. On the circle distance wraps, so 127 is older than 0.
#[must_use]
pub const fn compare(a: u8, b: u8) -> Order {
    if a == b {
        return Order::Equal;
    }
    match (a >= 128, b >= 128) {
        (true, false) => across(a, b),
        (false, true) => match across(b, a) {
            Order::Less => Order::Greater,
            _ => Order::Less,
        },
        (true, true) => match () {
            () if a.abs_diff(b) > WINDOW => Order::Incomparable,
            () if a < b => Order::Less,
            () => Order::Greater,
        },
        (false, false) => {
            let ahead = b.wrapping_sub(a) & 0x7F;
            match () {
                () if ahead <= WINDOW => Order::Less,
                () if 128 - ahead <= WINDOW => Order::Greater,
                () => Order::Incomparable,
            }
        }
    }
}

/// `straight` (128–255) against `circle` (0–127): within the window around the joint the circle is newer, further
/// away the straight part means a restart.
const fn across(straight: u8, circle: u8) -> Order {
    // 256 + circle − straight, in the range 1–255.
    if (255 - straight) + 1 + circle <= WINDOW { Order::Less } else { Order::Greater }
}

/// Whether `a` is newer than `b`; incomparable values are not.
#[must_use]
pub const fn newer(a: u8, b: u8) -> bool {
    matches!(compare(a, b), Order::Greater)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_newer_than_the_one_before_all_the_way_round() {
        let mut value = INITIAL;
        for _ in 0..400 {
            assert!(newer(next(value), value), "{value}");
            assert!(!newer(value, next(value)));
            value = next(value);
        }
        assert!(value < 128);
    }

    #[test]
    fn comparison_is_antisymmetric() {
        for a in 0..=255 {
            for b in 0..=255 {
                let mirrored = match compare(b, a) {
                    Order::Less => Order::Greater,
                    Order::Greater => Order::Less,
                    same => same,
                };
                assert_eq!(compare(a, b), mirrored, "{a} {b}");
            }
        }
    }

    #[test]
    fn a_restart_is_seen_from_the_circle_and_missed_from_the_straight_part() {
        assert!(newer(INITIAL, 1) && newer(INITIAL, 127));
        assert!(!newer(INITIAL, 241) && !newer(INITIAL, 0));
    }
}
