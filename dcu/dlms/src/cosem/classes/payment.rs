//! Payment: classes 111–113, 115, 116 (Blue Book 4.6). Amounts are in the currency of the account, with its scale.

use crate::axdr::{BitString, DateTime, Octets, Value};
use crate::cosem::class::class;
use crate::cosem::convert::{enumeration, record};
use crate::cosem::{MonitoredValue, Text, Utf8, Zero};
use crate::obis::Obis;

enumeration! {
    /// When the customer pays.
    PaymentMode {
        Credit = 1, "afterwards";
        Prepayment = 2, "beforehand";
    }
    /// Life of an account.
    AccountStatus {
        New = 1, "new, not yet active";
        Active = 2, "active";
        Closed = 3, "closed";
    }
    /// What amounts count.
    CurrencyUnit {
        Time = 0, "time";
        Consumption = 1, "consumption";
        Monetary = 2, "money";
    }
}

record! {
    /// Mode and status of an account.
    AccountModeAndStatus { payment_mode: PaymentMode, account_status: AccountStatus, }
    /// Which credit pays which charge, and under which conditions it does not.
    CreditCharge { credit_reference: Obis, charge_reference: Obis, collection_configuration: BitString, }
    /// How a token is shared out.
    TokenShare {
        credit_reference: Obis,
        /// Percent.
        token_proportion: u8,
    }
    /// The currency.
    Currency { currency_name: Utf8, currency_scale: i8, currency_unit: CurrencyUnit, }
}

class! {
    /// Class 111, Account.
    Account = 111 v 0, "Account", sn 0x98;
    2 account_mode_and_status: AccountModeAndStatus = read_write;
    /// Index into the credit references, from 0.
    3 current_credit_in_use: u8 = read;
    /// Bit 0 in credit, 1 low, 2 next enabled, 3 next selectable, 4 list, 5 selectable in use, 6 out of credit.
    4 current_credit_status: BitString = read;
    5 available_credit: i32 = read;
    6 amount_to_clear: i32 = read;
    7 clearance_threshold: i32 = read_write;
    8 aggregated_debt: i32 = read;
    9 credit_reference_list: Vec<Obis> = read_write;
    10 charge_reference_list: Vec<Obis> = read_write;
    11 credit_charge_configuration: Vec<CreditCharge> = read_write;
    12 token_gateway_configuration: Vec<TokenShare> = read_write;
    13 account_activation_time: DateTime = read_write;
    14 account_closure_time: DateTime = read_write;
    15 currency: Currency = read_write;
    16 low_credit_threshold: i32 = read;
    17 next_credit_available_threshold: i32 = read;
    18 max_provision: u16 = read_write;
    /// Seconds.
    19 max_provision_period: i32 = read_write;
    fn 1 activate_account(Zero);
    fn 2 close_account(Zero);
    fn 3 reset_account(Zero);
}

enumeration! {
    /// Kind of a credit.
    CreditType {
        Token = 0, "token";
        Reserved = 1, "reserved";
        Emergency = 2, "emergency";
        TimeBased = 3, "time based";
        ConsumptionBased = 4, "consumption based";
    }
    /// State of a credit.
    CreditStatus {
        Enabled = 0, "enabled";
        Selectable = 1, "selectable";
        Invoked = 2, "selected, invoked";
        InUse = 3, "in use";
        Consumed = 4, "consumed";
    }
}

class! {
    /// Class 112, Credit.
    Credit = 112 v 0, "Credit", sn 0x58;
    2 current_credit_amount: i32 = read;
    3 credit_type: CreditType = read_write;
    /// 1 is used first.
    4 priority: u8 = read_write;
    5 warning_threshold: i32 = read_write;
    6 limit: i32 = read_write;
    /// Bit 0 visual indication, 1 confirmation, 2 paid back, 3 resettable, 4 takes tokens.
    7 credit_configuration: BitString = read_write;
    8 credit_status: CreditStatus = read;
    9 preset_credit_amount: i32 = read_write;
    10 credit_available_threshold: i32 = read_write;
    11 period: DateTime = read_write;
    fn 1 update_amount(i32) "Adds; a negative amount takes away.";
    fn 2 set_amount_to_value(i32);
    fn 3 invoke_credit(Zero);
}

enumeration! {
    /// When a charge is collected.
    ChargeType {
        ConsumptionBased = 0, "by consumption";
        TimeBased = 1, "by time";
        PaymentEventBased = 2, "at payments";
    }
}

record! {
    /// Powers of ten.
    ChargeScaling { commodity_scale: i8, price_scale: i8, }
    /// A price; `index` names the tariff.
    ChargeTableElement { index: Octets, charge_per_unit: i16, }
    /// What a charge costs.
    UnitCharge {
        charge_per_unit_scaling: ChargeScaling,
        commodity_reference: MonitoredValue,
        charge_table: Vec<ChargeTableElement>,
    }
}

class! {
    /// Class 113, Charge.
    Charge = 113 v 0, "Charge", sn 0x68;
    2 total_amount_paid: i32 = read;
    3 charge_type: ChargeType = read_write;
    4 priority: u8 = read_write;
    5 unit_charge_active: UnitCharge = read;
    6 unit_charge_passive: UnitCharge = read_write;
    7 unit_charge_activation_time: DateTime = read_write;
    /// Seconds.
    8 period: u32 = read_write;
    /// Bit 0 percentage based, 1 continuous.
    9 charge_configuration: BitString = read_write;
    10 last_collection_time: DateTime = read;
    11 last_collection_amount: i32 = read;
    12 total_amount_remaining: i32 = read;
    /// Hundredths of a percent of a payment.
    13 proportion: u16 = read_write;
    fn 1 update_unit_charge(Vec<ChargeTableElement>) "Replaces the charge table of the passive unit charge.";
    fn 2 activate_passive_unit_charge(Zero);
    fn 3 collect(Zero);
    fn 4 update_total_amount_remaining(i32);
    fn 5 set_total_amount_remaining(i32);
}

enumeration! {
    /// Where a token came from.
    TokenDelivery {
        Remote = 0, "remote";
        Local = 1, "local";
        Manual = 2, "typed in";
    }
    /// How far a token has come.
    TokenStatusCode {
        FormatOk = 0, "format in order";
        AuthenticationOk = 1, "authentic";
        ValidationOk = 2, "valid";
        ExecutionOk = 3, "carried out";
        FormatFailure = 4, "wrong format";
        AuthenticationFailure = 5, "not authentic";
        ValidationFailure = 6, "not valid (used, old)";
        ExecutionFailure = 7, "not carried out";
        Received = 8, "received, not yet processed";
    }
}

record! {
    /// What became of a token.
    TokenStatus { status_code: TokenStatusCode, data_value: BitString, }
}

class! {
    /// Class 115, Token gateway.
    TokenGateway = 115 v 0, "Token gateway", sn 0x30;
    2 token: Octets = read;
    3 token_time: DateTime = read;
    4 token_description: Vec<Octets> = read;
    5 token_delivery_method: TokenDelivery = read;
    6 token_status: TokenStatus = read;
    fn 1 enter(Octets);
}

record! {
    /// Primary account number of a meter (IEC 62055-41, 6.1).
    MeterPan { issuer_identification_number: u32, decoder_reference_number: Pan, pan_check_digit: u8, }
}

/// Decoder reference number: public sources have it in 4 and in 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pan(pub u64);

impl crate::cosem::Cosem for Pan {
    const SHAPE: crate::cosem::Shape = crate::cosem::Shape::Any;
    fn from_value(value: &Value) -> Option<Self> {
        value.as_u64().map(Self)
    }
    fn to_value(&self) -> Value {
        Value::U64(self.0)
    }
}

class! {
    /// Class 116, IEC 62055-41 attributes (STS).
    StsAttributes = 116 v 0, "IEC 62055-41 attributes", sn 0;
    2 meter_pan: MeterPan = read;
    3 commodity: Text = read;
    4 token_carrier_types: Vec<u8> = read;
    5 encryption_algorithm: u8 = read;
    6 supply_group_code: u32 = read;
    7 tariff_index: u8 = read;
    8 key_revision_number: u8 = read;
    9 key_type: u8 = read;
    10 key_expiry_number: u8 = read;
    11 no_of_kct_supported: u8 = read;
    12 sts_certificate_no: Text = read;
}
