//! Names of classes, causes, traits and components as a reader meets them.

use taa_dcu::config::{Backhaul, BootRelay, CreditAt, OnLinkLoss, Traits};
use taa_scenarios::model::{FaultKind, FaultTarget, Scenario};
use taa_sim::{
    cause::{Cause, Chain, DownClass},
    records::{Component, MeshStanding, PayOutcome, TokenBy},
};

use crate::data::CauseKind;

/// Short name of a class of lost time.
pub(crate) const fn class_name(class: DownClass) -> &'static str {
    match class {
        DownClass::SupplyDown => "no supply",
        DownClass::CreditStuck => "credit stuck",
        DownClass::PaymentBlocked => "payment blocked",
    }
}

/// What the class means for the customer.
pub(crate) const fn class_meaning(class: DownClass) -> &'static str {
    match class {
        DownClass::SupplyDown => "they were entitled to power and none came",
        DownClass::CreditStuck => "they had paid, and the credit had not taken effect at the meter",
        DownClass::PaymentBlocked => "they wanted to pay and found no way to",
    }
}

/// Key of a cause as in `downtime_h_by_cause`: scripted faults carry their name.
pub(crate) fn cause_key(cause: Cause, scenario: &Scenario) -> String {
    match cause {
        Cause::Scripted(n) => match scenario.faults.get(usize::from(n)) {
            Some(fault) => format!("scripted:{}", fault.id),
            None => cause.name(),
        },
        _ => cause.name(),
    }
}

/// A cause in words.
pub(crate) fn cause_words(cause: Cause, scenario: &Scenario) -> String {
    match cause {
        Cause::Scripted(n) => match scenario.faults.get(usize::from(n)) {
            Some(fault) => format!("“{}” (scripted)", fault.id),
            None => format!("scripted fault {n}"),
        },
        _ => cause.words().to_owned(),
    }
}

/// A chain in words, nearest cause first.
pub(crate) fn chain_words(chain: Chain, scenario: &Scenario) -> Vec<String> {
    chain.causes().map(|cause| cause_words(cause, scenario)).collect()
}

/// Family of a root cause; a scripted fault belongs to the family of what it breaks.
pub(crate) fn cause_kind(cause: Option<Cause>, scenario: &Scenario) -> CauseKind {
    let Some(cause) = cause else { return CauseKind::Unknown };
    match cause {
        Cause::Unknown => CauseKind::Unknown,
        Cause::SupplyOff | Cause::BatteryEmpty | Cause::LittleSun => CauseKind::Energy,
        Cause::InverterOverload | Cause::MotorStart => CauseKind::Overload,
        Cause::InverterFailed | Cause::MeterDead | Cause::FeederOpen | Cause::DcuDown | Cause::DcuBatteryEmpty => {
            CauseKind::Repair
        }
        Cause::Lightning
        | Cause::Heat
        | Cause::Theft
        | Cause::ChargeControllerFailed
        | Cause::PanelsGone
        | Cause::BatteryOffline
        | Cause::BreakerTripped
        | Cause::RouterFailed
        | Cause::DcuHung
        | Cause::FlashFailed
        | Cause::ClockLost
        | Cause::KeysLost => CauseKind::Repair,
        Cause::BackhaulDown
        | Cause::BearerDown
        | Cause::TowerDown
        | Cause::TowerPower
        | Cause::TowerEquipment
        | Cause::RainFade
        | Cause::TowerBatteryEmpty
        | Cause::DarkDays
        | Cause::TowerGridOut
        | Cause::FuelStolen
        | Cause::FuelLate
        | Cause::TowerGenerator
        | Cause::TowerBatteryWorn
        | Cause::FibreCut
        | Cause::CoreFault
        | Cause::CountryOffline
        | Cause::SimCreditOut
        | Cause::RouterHung
        | Cause::Throttled
        | Cause::DishFault
        | Cause::PhoneNoSignal => CauseKind::Backhaul,
        Cause::CloudDown
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
        | Cause::UssdBroken => CauseKind::Operator,
        Cause::MeshIsolated
        | Cause::HopLimit
        | Cause::ForwarderDark
        | Cause::Rejoining
        | Cause::RadioLoss
        | Cause::RoutesLost => CauseKind::Mesh,
        Cause::AgentAway | Cause::AgentClosed | Cause::AgentNoFloat | Cause::PaperOut => CauseKind::Agent,
        Cause::Scripted(n) => scenario.faults.get(usize::from(n)).map_or(CauseKind::Scripted, |f| fault_kind(f.what)),
        // No wildcard: a new cause has to be given its family here.
        Cause::RelayOpen
        | Cause::BootedOpen
        | Cause::CreditUndelivered
        | Cause::OrderUndelivered
        | Cause::InTransit
        | Cause::StaleReading
        | Cause::NumberToType
        | Cause::WrongDigits
        | Cause::Tampered
        | Cause::OperatorConfirms => CauseKind::Handling,
    }
}

const fn fault_kind(what: FaultKind) -> CauseKind {
    match what {
        FaultKind::TowerOut
        | FaultKind::BackhaulOut
        | FaultKind::RouterHung
        | FaultKind::SimCreditOut
        | FaultKind::M2mThrottled { .. } => CauseKind::Backhaul,
        FaultKind::ProviderOut
        | FaultKind::CloudOut
        | FaultKind::AggregatorOut
        | FaultKind::IntakeOut
        | FaultKind::SmsLost
        | FaultKind::KeyModuleOut
        | FaultKind::LeasesExhausted
        | FaultKind::WrongKeyRevision
        | FaultKind::RolloverMissed
        | FaultKind::GatewayRefused
        | FaultKind::UssdBroken => CauseKind::Operator,
        FaultKind::Cloudy { .. } => CauseKind::Energy,
        FaultKind::RadioJammed { .. } | FaultKind::RoofLoss { .. } | FaultKind::RoutesCollapsed => CauseKind::Mesh,
        FaultKind::DcuPowerLost
        | FaultKind::MeterDead
        | FaultKind::FeederOut
        | FaultKind::LineOut
        | FaultKind::InverterOut => CauseKind::Repair,
        FaultKind::AgentAway | FaultKind::PaperOut => CauseKind::Agent,
        FaultKind::DiskFull
        | FaultKind::DiskReadOnly
        | FaultKind::FsyncLies
        | FaultKind::PageCorrupt
        | FaultKind::SdWear
        | FaultKind::ChargeControllerOut
        | FaultKind::Lightning
        | FaultKind::RoadClosed
        | FaultKind::CrewAway => CauseKind::Repair,
        FaultKind::MetersTampered => CauseKind::Handling,
    }
}

/// Where a node of the mesh stands, in words.
pub(crate) const fn mesh_standing(standing: MeshStanding) -> &'static str {
    match standing {
        MeshStanding::InTree => "in the tree",
        MeshStanding::Joining => "joining",
        MeshStanding::Dark => "without power",
        MeshStanding::RootDown => "border router down",
        MeshStanding::RoutesCollapsed => "routing collapsed (scripted)",
        MeshStanding::Disturbed => "noise or loss (scripted)",
        MeshStanding::Leaves => "leaves on the trees",
        MeshStanding::ForwarderDark => "forwarders dark",
        MeshStanding::HopLimit => "beyond the hop limit",
        MeshStanding::OutOfRange => "nobody in range",
        MeshStanding::ParentLost => "last parent lost",
        MeshStanding::PanTimeout => "border router not heard",
        MeshStanding::NeverJoined => "found no way in",
        MeshStanding::InLoop => "in a loop of parents",
    }
}

/// What frames are for, in words.
pub(crate) fn air_purpose(key: &str) -> &str {
    match key {
        "data" => "readings, orders, credit",
        "discovery" => "finding the network",
        "joining" => "keys and addresses",
        "dodag" => "building the tree",
        "routes" => "announcing routes",
        "probe" => "measuring links",
        "acknowledgement" => "acknowledgements",
        "multicast" => "messages for all",
        other => other,
    }
}

/// A scripted fault in words.
pub(crate) fn fault_words(what: FaultKind, target: &FaultTarget, scenario: &Scenario) -> String {
    let what = match what {
        FaultKind::TowerOut => "cellular tower off".to_owned(),
        FaultKind::BackhaulOut => "the site's bearer down".to_owned(),
        FaultKind::RouterHung => "the site's router hangs".to_owned(),
        FaultKind::SimCreditOut => "the SIM's prepaid bundle lapsed".to_owned(),
        FaultKind::M2mThrottled { delay_median_s, loss_share } => format!(
            "machine traffic put last: {} min a message, {} lost",
            delay_median_s / 60.0,
            crate::numbers::percent(loss_share)
        ),
        FaultKind::ProviderOut => "mobile-money provider out".to_owned(),
        FaultKind::CloudOut => "operator's cloud down".to_owned(),
        FaultKind::Cloudy { sun_share } => {
            format!("sun reduced to {} of the weather file", crate::numbers::percent(sun_share))
        }
        FaultKind::RoofLoss { loss_db } => format!("{loss_db} dB more loss through roofs"),
        FaultKind::RoutesCollapsed => "mesh routing collapsed".to_owned(),
        FaultKind::RadioJammed { noise_rise_db } => format!("radio noise raised by {noise_rise_db} dB"),
        FaultKind::DcuPowerLost => "data concentrator and router without supply".to_owned(),
        FaultKind::MeterDead => "meters dead".to_owned(),
        FaultKind::FeederOut => "feeder open".to_owned(),
        FaultKind::LineOut => "line broken".to_owned(),
        FaultKind::InverterOut => "inverter off".to_owned(),
        FaultKind::AgentAway => "no cash agent".to_owned(),
        FaultKind::AggregatorOut => "payment aggregators out".to_owned(),
        FaultKind::IntakeOut => "payment intake relay down".to_owned(),
        FaultKind::SmsLost => "text messages lost".to_owned(),
        FaultKind::UssdBroken => "USSD sessions broken".to_owned(),
        FaultKind::KeyModuleOut => "module with the vending keys down".to_owned(),
        FaultKind::LeasesExhausted => "vendor's leased minutes used up".to_owned(),
        FaultKind::PaperOut => "no tokens on paper at the agent's".to_owned(),
        FaultKind::WrongKeyRevision => "vendor believes in another key revision".to_owned(),
        FaultKind::RolloverMissed => "meters not changed over before their token identifiers ran out".to_owned(),
        FaultKind::GatewayRefused => "token gateways refuse".to_owned(),
        FaultKind::ChargeControllerOut => "charge controller off".to_owned(),
        FaultKind::Lightning => "lightning strikes inverter, concentrator and meters".to_owned(),
        FaultKind::MetersTampered => "meters opened by a tampering".to_owned(),
        FaultKind::RoadClosed => "road to the site closed".to_owned(),
        FaultKind::CrewAway => "the operator's crew away".to_owned(),
        FaultKind::DiskFull => "data concentrator's disk full".to_owned(),
        FaultKind::DiskReadOnly => "data concentrator's disk takes no writes".to_owned(),
        FaultKind::FsyncLies => "data concentrator's disk lies about its syncs".to_owned(),
        FaultKind::PageCorrupt => "a page of the data concentrator's database rots".to_owned(),
        FaultKind::SdWear => "data concentrator's card worn".to_owned(),
    };
    match target {
        FaultTarget::All => what,
        FaultTarget::Customers(list) => match list.as_slice() {
            [one] => match scenario.village.customers.get(*one as usize) {
                Some(customer) => format!("{what}, customer {}", customer.id),
                None => what,
            },
            many => format!("{what}, {} customers", many.len()),
        },
        FaultTarget::Feeder(n) => match scenario.village.feeders.get(*n as usize) {
            Some(feeder) => format!("{what}, feeder {}", feeder.id),
            None => what,
        },
        FaultTarget::Tower(n) => format!("{what}, operator {}", n + 1),
    }
}

/// A component in words.
pub(crate) const fn component(component: Component) -> &'static str {
    match component {
        Component::TowerA => "Tower, first operator",
        Component::TowerB => "Tower, second operator",
        Component::Bearer => "Bearer and router",
        Component::Backhaul => "Site to cloud",
        Component::Provider => "Payment provider",
        Component::Cloud => "Operator's cloud",
        Component::Supply => "Supply to the feeders",
        Component::Dcu => "Data concentrator",
        Component::Agent => "Cash agent",
        Component::Aggregator => "Payment aggregator",
        Component::Intake => "Payment intake relay",
    }
}

/// A component as a key in files.
pub(crate) const fn component_key(component: Component) -> &'static str {
    match component {
        Component::TowerA => "tower_a",
        Component::TowerB => "tower_b",
        Component::Bearer => "bearer",
        Component::Backhaul => "backhaul",
        Component::Provider => "provider",
        Component::Cloud => "cloud",
        Component::Supply => "supply",
        Component::Dcu => "dcu",
        Component::Agent => "agent",
        Component::Aggregator => "aggregator",
        Component::Intake => "intake",
    }
}

/// A payment's outcome as a key in files.
pub(crate) const fn outcome_key(outcome: PayOutcome) -> &'static str {
    match outcome {
        PayOutcome::Applied => "applied",
        PayOutcome::Pending => "pending",
        PayOutcome::Blocked => "blocked",
    }
}

/// How a number for the keypad comes, in words.
pub(crate) const fn token_by(by: TokenBy) -> &'static str {
    match by {
        TokenBy::None => "no number",
        TokenBy::Text => "number by text message",
        TokenBy::Paper => "number printed by the agent",
        TokenBy::Stock => "number from the agent's stock of paper",
    }
}

/// The traits, name and what they mean, for the comparison side by side.
pub(crate) fn traits(traits: &Traits) -> Vec<(String, String)> {
    let credit_at = match traits.credit_at {
        CreditAt::Meter => "in the meter",
        CreditAt::Dcu => "at the site",
        CreditAt::Cloud => "in the cloud",
    };
    let on_link_loss = match traits.on_link_loss {
        OnLinkLoss::Hold => "nobody is cut off",
        OnLinkLoss::Open => "relays open all the same",
    };
    let boot_relay = match traits.boot_relay {
        BootRelay::Last => "returns to its last state",
        BootRelay::Open => "waits open for an order",
    };
    let backhaul = match traits.backhaul {
        Backhaul::SingleSim => "one SIM",
        Backhaul::DualSim => "two SIMs, two operators",
        Backhaul::Vsat => "satellite terminal",
    };
    let yes_no = |on: bool| if on { "yes" } else { "no" };
    [
        ("Balance kept", credit_at),
        ("When the link is lost", on_link_loss),
        ("Relay after a restart", boot_relay),
        ("Wide-area link", backhaul),
        ("Keypad for tokens", yes_no(traits.keypad)),
        ("Credit sold in the village", yes_no(traits.local_vending)),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// A customer class in words: `household_low` becomes `household, low`.
pub(crate) fn customer_class(name: &str) -> String {
    name.replacen('_', ", ", 1).replace('_', " ")
}
