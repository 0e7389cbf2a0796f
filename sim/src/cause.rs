//! Classes of lost hours and the chains of causes behind them.

use std::fmt;

/// The three classes of lost customer time, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum DownClass {
    /// Entitled, yet no power within limits.
    SupplyDown = 0,
    /// A payment was accepted somewhere and has not been applied.
    CreditStuck = 1,
    /// Would have paid; there was no path to pay.
    PaymentBlocked = 2,
}

impl DownClass {
    /// All, in order of precedence.
    pub const ALL: [Self; 3] = [Self::SupplyDown, Self::CreditStuck, Self::PaymentBlocked];

    /// The name used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SupplyDown => "supply_down",
            Self::CreditStuck => "credit_stuck",
            Self::PaymentBlocked => "payment_blocked",
        }
    }
}

macro_rules! causes {
    ($( $variant:ident = $code:literal, $name:literal, $words:literal; )*) => {
        /// One link of a chain.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Cause {
            $( #[doc = $words] $variant, )*
            /// A scripted fault, by its index in the scenario's list.
            Scripted(u8),
        }

        impl Cause {
            /// All that have a name of their own: every one but the scripted faults.
            pub const NAMED: &'static [Self] = &[$( Self::$variant ),*];

            const fn code(self) -> u8 {
                match self {
                    $( Self::$variant => $code, )*
                    Self::Scripted(n) => 128 | (n & 127),
                }
            }

            const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $( $code => Some(Self::$variant), )*
                    128.. => Some(Self::Scripted(code & 127)),
                    _ => None,
                }
            }

            /// The name used in files; scripted faults are `scripted_<index>`.
            #[must_use]
            pub fn name(self) -> String {
                match self {
                    $( Self::$variant => $name.to_owned(), )*
                    Self::Scripted(n) => format!("scripted_{n}"),
                }
            }

            /// In words, for people; scripted faults are named by the caller.
            #[must_use]
            pub fn words(self) -> &'static str {
                match self {
                    $( Self::$variant => $words, )*
                    Self::Scripted(_) => "scripted fault",
                }
            }
        }
    };
}

causes! {
    Unknown = 1, "unknown", "not known";
    RelayOpen = 2, "relay_open", "relay open";
    BootedOpen = 3, "booted_open", "relay waits open after a restart";
    MeterDead = 4, "meter_dead", "meter dead";
    FeederOpen = 5, "feeder_open", "feeder broken or open";
    SupplyOff = 6, "supply_off", "plant not feeding";
    BatteryEmpty = 7, "battery_empty", "battery empty";
    LittleSun = 8, "little_sun", "not enough sun for the demand";
    InverterFailed = 9, "inverter_failed", "inverter failed";
    InverterOverload = 10, "inverter_overload", "inverter overloaded";
    CreditUndelivered = 11, "credit_undelivered", "credit not delivered";
    OrderUndelivered = 12, "order_undelivered", "relay order not delivered";
    MeshIsolated = 13, "mesh_isolated", "no route in the mesh";
    HopLimit = 14, "hop_limit", "more hops than the limit";
    ForwarderDark = 15, "forwarder_dark", "forwarding meters without power";
    Rejoining = 16, "rejoining", "meter re-joining the mesh";
    RadioLoss = 17, "radio_loss", "frames lost on the air";
    DcuDown = 18, "dcu_down", "data concentrator down";
    DcuBatteryEmpty = 19, "dcu_battery_empty", "data concentrator's own battery empty";
    BackhaulDown = 20, "backhaul_down", "backhaul down";
    BearerDown = 21, "bearer_down", "bearer or router down";
    TowerDown = 22, "tower_down", "tower down";
    TowerPower = 23, "tower_power", "tower without power";
    TowerEquipment = 24, "tower_equipment", "tower equipment failed";
    CloudDown = 25, "cloud_down", "cloud down";
    ProviderDown = 26, "provider_down", "payment provider down";
    AgentAway = 27, "agent_away", "no cash agent";
    AgentClosed = 28, "agent_closed", "cash agent closed";
    InTransit = 29, "in_transit", "on its way (normal latency)";
    StaleReading = 30, "stale_reading", "decided on an old reading";
    CallbackLost = 31, "callback_lost", "provider's callback lost";
    RainFade = 33, "rain_fade", "rain fade";
    RoutesLost = 34, "routes_lost", "mesh routing collapsed";
    PhoneNoSignal = 35, "phone_no_signal", "no signal on the phone";
    TowerBatteryEmpty = 36, "tower_battery_empty", "tower's battery empty";
    DarkDays = 37, "dark_days", "dull days in a row";
    TowerGridOut = 38, "tower_grid_out", "grid out at the tower";
    FuelStolen = 39, "fuel_stolen", "tower's fuel stolen";
    FuelLate = 40, "fuel_late", "tower's fuel delivery late";
    TowerGenerator = 41, "tower_generator", "tower's generator broken";
    TowerBatteryWorn = 42, "tower_battery_worn", "tower's battery worn out";
    FibreCut = 43, "fibre_cut", "shared transmission cut";
    CoreFault = 44, "core_fault", "fault in the operators' core";
    CountryOffline = 45, "country_offline", "country off the internet";
    SimCreditOut = 46, "sim_credit_out", "SIM's prepaid bundle lapsed";
    RouterHung = 47, "router_hung", "site's router hangs";
    Throttled = 48, "throttled", "machine traffic put last by the operator";
    DishFault = 49, "dish_fault", "satellite terminal failed";
    AggregatorDown = 50, "aggregator_down", "payment aggregator down";
    IntakeDown = 51, "intake_down", "payment intake relay down";
    CallbackLate = 52, "callback_late", "provider's callback late";
    SmsLost = 53, "sms_lost", "text message lost";
    UssdBroken = 54, "ussd_broken", "USSD session broken off";
    ProviderBusy = 55, "provider_busy", "payment provider overloaded on a pay-day";
    AgentNoFloat = 56, "agent_no_float", "cash agent's float used up";
    NumberToType = 57, "number_to_type", "number in hand, not typed in yet";
    KeyModuleDown = 58, "key_module_down", "module with the vending keys down";
    LeaseExhausted = 59, "lease_exhausted", "vendor's leased minutes used up";
    PaperOut = 60, "paper_out", "no tokens on paper at the agent's";
    WrongKey = 61, "wrong_key", "token under another key than the meter's";
    RolloverMissed = 62, "rollover_missed", "meter not changed over before its token identifiers ran out";
    GatewayRefused = 89, "gateway_refused", "meter's token gateway refuses";
    TokenRefused = 90, "token_refused", "meter refuses the token for good";
    JournalDoubted = 91, "journal_doubted", "journal has lost records, nobody has looked yet";
    WrongDigits = 63, "wrong_digits", "token typed in wrongly";
    MotorStart = 100, "motor_start", "a motor's starting current";
    Tampered = 75, "tampered", "meter feels tampered with";
    OperatorConfirms = 76, "operator_confirms", "waits for the operator's people to confirm";
    Lightning = 77, "lightning", "lightning";
    Heat = 78, "heat", "heat";
    Theft = 79, "theft", "theft";
    ChargeControllerFailed = 80, "charge_controller_failed", "charge controller failed";
    PanelsGone = 81, "panels_gone", "panels missing";
    BatteryOffline = 82, "battery_offline", "battery taken off by its management system";
    BreakerTripped = 83, "breaker_tripped", "breaker tripped";
    RouterFailed = 84, "router_failed", "router failed";
    DcuHung = 85, "dcu_hung", "data concentrator hangs";
    FlashFailed = 86, "flash_failed", "flash memory failed";
    ClockLost = 87, "clock_lost", "data concentrator has no time";
    KeysLost = 88, "keys_lost", "key of the meter lost";
}

/// Up to eight causes, nearest first, packed into eight bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Chain(u64);

impl Chain {
    /// No cause.
    pub const EMPTY: Self = Self(0);

    /// A chain of one.
    #[must_use]
    pub const fn of(cause: Cause) -> Self {
        Self(cause.code() as u64)
    }

    /// This chain with one more cause behind it; a ninth is dropped.
    #[must_use]
    pub const fn because(self, cause: Cause) -> Self {
        let shift = self.len() * 8;
        if shift >= 64 { self } else { Self(self.0 | ((cause.code() as u64) << shift)) }
    }

    /// This chain with another one behind it.
    #[must_use]
    pub fn then(self, tail: Self) -> Self {
        tail.causes().fold(self, Self::because)
    }

    /// How many causes it holds.
    #[must_use]
    pub const fn len(self) -> u32 {
        (64 - self.0.leading_zeros()).div_ceil(8)
    }

    /// It holds none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The causes, nearest first.
    pub fn causes(self) -> impl Iterator<Item = Cause> {
        self.0.to_le_bytes().into_iter().map_while(Cause::from_code)
    }

    /// The last cause: the root, by which hours are summed.
    #[must_use]
    pub fn root(self) -> Option<Cause> {
        self.causes().last()
    }

    /// The packed form, for files and digests.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// Names joined by ` <- `, as in the tables.
    #[must_use]
    pub fn names(self) -> String {
        self.causes().map(Cause::name).collect::<Vec<_>>().join(" <- ")
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names())
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_pack_and_unpack() {
        let chain = Chain::of(Cause::RelayOpen).because(Cause::BackhaulDown).because(Cause::Scripted(3));
        assert_eq!(chain.len(), 3);
        assert_eq!(chain.root(), Some(Cause::Scripted(3)));
        assert_eq!(chain.names(), "relay_open <- backhaul_down <- scripted_3");
    }

    #[test]
    fn a_ninth_cause_is_dropped() {
        let long = (0..9).fold(Chain::EMPTY, |c, n| c.because(Cause::Scripted(n)));
        assert_eq!(long.len(), 8);
        assert_eq!(long.root(), Some(Cause::Scripted(7)));
    }
}
