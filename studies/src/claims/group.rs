//! Where the root of a darkness belongs: the documents' question is "panels and batteries, or control and billing?".

use taa_sim::cause::{Cause, Chain};

/// A part of the mini-grid that can be the root of a darkness.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Group {
    /// Panels and battery, want of sun included.
    PanelsBatteries,
    /// Inverter and charge controller.
    OtherGeneration,
    /// Feeders, breakers and meters.
    Grid,
    /// Control, communication and billing.
    Control,
}

impl Group {
    /// The group of a chain's root. What merely struck a part (lightning, heat, theft, dull days) is passed over for the
    /// part that it struck; a chain that names no part counts as control, which favours the documents' thesis.
    pub(super) fn of(chain: Chain) -> Self {
        let causes: Vec<Cause> = chain.causes().collect();
        causes.into_iter().rev().find_map(part).unwrap_or(Self::Control)
    }
}

/// The group of a cause that is a part; none where the cause only struck one. No wildcard: a new cause is to be placed.
const fn part(cause: Cause) -> Option<Group> {
    Some(match cause {
        Cause::Unknown | Cause::Lightning | Cause::Heat | Cause::Theft | Cause::DarkDays => return None,
        Cause::BatteryEmpty | Cause::LittleSun | Cause::PanelsGone | Cause::BatteryOffline => Group::PanelsBatteries,
        Cause::SupplyOff
        | Cause::InverterFailed
        | Cause::InverterOverload
        | Cause::MotorStart
        | Cause::ChargeControllerFailed => Group::OtherGeneration,
        Cause::FeederOpen | Cause::BreakerTripped | Cause::MeterDead => Group::Grid,
        Cause::RelayOpen
        | Cause::BootedOpen
        | Cause::CreditUndelivered
        | Cause::OrderUndelivered
        | Cause::MeshIsolated
        | Cause::HopLimit
        | Cause::ForwarderDark
        | Cause::Rejoining
        | Cause::RadioLoss
        | Cause::RoutesLost
        | Cause::DcuDown
        | Cause::DcuBatteryEmpty
        | Cause::DcuHung
        | Cause::FlashFailed
        | Cause::ClockLost
        | Cause::KeysLost
        | Cause::BackhaulDown
        | Cause::BearerDown
        | Cause::RainFade
        | Cause::SimCreditOut
        | Cause::RouterHung
        | Cause::RouterFailed
        | Cause::Throttled
        | Cause::DishFault
        | Cause::TowerDown
        | Cause::TowerPower
        | Cause::TowerEquipment
        | Cause::TowerBatteryEmpty
        | Cause::TowerGridOut
        | Cause::FuelStolen
        | Cause::FuelLate
        | Cause::TowerGenerator
        | Cause::TowerBatteryWorn
        | Cause::FibreCut
        | Cause::CoreFault
        | Cause::CountryOffline
        | Cause::CloudDown
        | Cause::ProviderDown
        | Cause::ProviderBusy
        | Cause::AggregatorDown
        | Cause::IntakeDown
        | Cause::CallbackLost
        | Cause::CallbackLate
        | Cause::SmsLost
        | Cause::KeyModuleDown
        | Cause::LeaseExhausted
        | Cause::WrongKey
        | Cause::RolloverMissed
        | Cause::GatewayRefused
        | Cause::TokenRefused
        | Cause::JournalDoubted
        | Cause::PaperOut
        | Cause::WrongDigits
        | Cause::UssdBroken
        | Cause::PhoneNoSignal
        | Cause::AgentAway
        | Cause::AgentClosed
        | Cause::AgentNoFloat
        | Cause::NumberToType
        | Cause::InTransit
        | Cause::StaleReading
        | Cause::Tampered
        | Cause::OperatorConfirms
        | Cause::Scripted(_) => Group::Control,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(causes: &[Cause]) -> Chain {
        causes.iter().fold(Chain::EMPTY, |chain, cause| chain.because(*cause))
    }

    #[test]
    fn a_darkness_belongs_to_the_part_at_its_root() {
        for (causes, want) in [
            (&[Cause::SupplyOff, Cause::BatteryEmpty, Cause::LittleSun][..], Group::PanelsBatteries),
            (&[Cause::SupplyOff, Cause::InverterFailed, Cause::Lightning], Group::OtherGeneration),
            (&[Cause::FeederOpen, Cause::Theft], Group::Grid),
            (
                &[Cause::RelayOpen, Cause::BootedOpen, Cause::BackhaulDown, Cause::TowerBatteryEmpty, Cause::DarkDays],
                Group::Control,
            ),
            (&[Cause::RelayOpen, Cause::Tampered, Cause::OperatorConfirms], Group::Control),
            (&[Cause::MeshIsolated, Cause::ForwarderDark, Cause::FeederOpen, Cause::BreakerTripped], Group::Grid),
            (&[Cause::Lightning], Group::Control),
        ] {
            assert_eq!(Group::of(chain(causes)), want, "{causes:?}");
        }
    }
}
