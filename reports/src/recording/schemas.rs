//! JSON Schemas of the messages. Units are in the names.

/// A kind of message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Schema {
    pub(crate) topic: &'static str,
    pub(crate) name: &'static str,
    pub(crate) definition: &'static str,
}

pub(crate) static LOG: Schema = Schema {
    topic: "log",
    name: "foxglove.Log",
    definition: r#"{"title":"foxglove.Log","type":"object","properties":{
"timestamp":{"type":"object","title":"time","properties":{"sec":{"type":"integer","minimum":0},"nsec":{"type":"integer","minimum":0,"maximum":999999999}}},
"level":{"type":"integer","description":"2 info, 3 warning"},
"message":{"type":"string"},"name":{"type":"string","description":"what it concerns"},
"file":{"type":"string","description":"kind of event"},"line":{"type":"integer","minimum":0}}}"#,
};

pub(crate) static COMPONENT: Schema = Schema {
    topic: "component",
    name: "taa.ComponentState",
    definition: r#"{"title":"taa.ComponentState","type":"object","properties":{
"component":{"type":"string"},"up":{"type":"boolean"},"why":{"type":"string","description":"cause chain, nearest first"}}}"#,
};

pub(crate) static PLANT: Schema = Schema {
    topic: "plant",
    name: "taa.Plant",
    definition: r#"{"title":"taa.Plant","type":"object","properties":{
"ghi_w_per_m2":{"type":"number"},"pv_available_w":{"type":"number"},"pv_used_w":{"type":"number"},
"load_w":{"type":"number"},"wanted_w":{"type":"number"},"battery_soc":{"type":"number"},"supply_on":{"type":"number"}}}"#,
};

pub(crate) static DARK: Schema = Schema {
    topic: "dark",
    name: "taa.CustomersDark",
    definition: r#"{"title":"taa.CustomersDark","type":"object","properties":{
"supply_down":{"type":"number"},"credit_stuck":{"type":"number"},"payment_blocked":{"type":"number"}}}"#,
};

pub(crate) static DOWNTIME: Schema = Schema {
    topic: "downtime",
    name: "taa.Downtime",
    definition: r#"{"title":"taa.Downtime","type":"object","properties":{
"customer":{"type":"string"},"class":{"type":"string"},"chain":{"type":"string"},"duration_ms":{"type":"integer"}}}"#,
};

pub(crate) static PAYMENT: Schema = Schema {
    topic: "payment",
    name: "taa.Payment",
    definition: r#"{"title":"taa.Payment","type":"object","properties":{
"customer":{"type":"string"},"amount_minor":{"type":"integer"},"outcome":{"type":"string"},
"delay_s":{"type":["number","null"],"description":"from the wish to pay until it took effect"}}}"#,
};

pub(crate) static KPI: Schema = Schema {
    topic: "kpi",
    name: "taa.Kpi",
    definition: r#"{"title":"taa.Kpi","type":"object","description":"the key figures of summary.json, at the end of the run"}"#,
};
