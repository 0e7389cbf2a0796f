//! Nothing in the meter depends on being looked at.

mod common;

use common::*;
use proptest::prelude::*;
use taa_dlms::cosem::ProfileRange;
use taa_meter::MeterConfig;

#[derive(Clone, Debug)]
enum Step {
    Power(bool),
    Fault(bool),
    Load(i64),
}

proptest! {
    // A failing seed is printed; nothing is written beside the sources.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// However often the meter is looked at in between, it ends the same: nothing depends on being called.
    #[test]
    fn looking_changes_nothing(
        steps in proptest::collection::vec(
            (1_u64..8 * H, prop_oneof![
                any::<bool>().prop_map(Step::Power),
                any::<bool>().prop_map(Step::Fault),
                (0_i64..3_000_000).prop_map(Step::Load),
            ]),
            1..30,
        ),
        looks in proptest::collection::vec(0_u64..200 * H, 0..60),
        opening_credit_minor in 0_i64..2000,
        fee_per_day_minor in 0_i64..40,
    ) {
        let config = MeterConfig { opening_credit_minor, fee_per_day_minor, boot_relay_open: false, ..prepaid() };
        let (mut eager, mut lazy) = (energised(config.clone()), energised(config));
        let mut looks = looks;
        looks.sort_unstable();
        let mut now = 0;
        for (after, step) in steps {
            let next = now + after;
            for look in looks.iter().filter(|look| (now..next).contains(look)) {
                eager.advance(*look);
            }
            now = next;
            for meter in [&mut eager, &mut lazy] {
                match step {
                    Step::Power(on) => meter.handle_power(now, on),
                    Step::Fault(dead) => meter.handle_fault(now, dead),
                    Step::Load(power_mw) => meter.set_load(now, power_mw),
                }
            }
        }
        prop_assert_eq!(eager.energy_mwh(), lazy.energy_mwh());
        prop_assert_eq!(eager.credit_balance_minor(), lazy.credit_balance_minor());
        prop_assert_eq!(relay_events(&mut eager), relay_events(&mut lazy));
        prop_assert_eq!(eager.next_deadline(), lazy.next_deadline());
        for meter in [&mut eager, &mut lazy] {
            meter.handle_fault(now, false);
            meter.handle_power(now, true);
        }
        let mut clients = (client_of(&mut eager, now), client_of(&mut lazy, now));
        prop_assert_eq!(
            rows(&mut clients.0, &mut eager, now, ProfileRange::All),
            rows(&mut clients.1, &mut lazy, now, ProfileRange::All)
        );
    }
}
