//! The events of the village: small and `Copy`; bytes travel beside them in [`super::message::Messages`].

use super::{message::MessageId, money::Place};

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Edge `n` of the exogenous timeline.
    Edge(u32),
    /// The plant is stepped.
    PlantTick { generation: u32 },
    /// A quarter of an hour of plant data is recorded.
    Sample,
    /// The second SIM takes over.
    Failover { generation: u32 },
    /// The DCU's own battery runs out.
    HoldupEmpty { generation: u32 },
    /// The DCU has booted.
    DcuBooted { generation: u32 },
    /// The DCU's deadline.
    DcuWake { generation: u32 },
    /// The DCU's disk begins a commit, or has ended one.
    Disk { generation: u32 },
    /// Bytes reach a meter.
    AtMeter { customer: u32, message: MessageId },
    /// Bytes of a meter reach the DCU.
    AtDcu { customer: u32, message: MessageId },
    /// Bytes of the DCU reach the cloud.
    AtCloud { message: MessageId },
    /// Bytes of the cloud reach the DCU.
    DownAtDcu { message: MessageId },
    /// The cloud's deadline.
    CloudWake { generation: u32 },
    /// A meter's gasp is off the air.
    Cried { customer: u32, message: MessageId },
    /// It reaches the DCU.
    GaspAtDcu { message: MessageId },
    /// The feeders' ammeters are read.
    CurrentsRead,
    /// A meter has joined the mesh.
    Joined { customer: u32, generation: u32 },
    /// A radio relay on the line has joined the mesh.
    RelayJoined { relay: u32, generation: u32 },
    /// The mesh, frame by frame: something came out of it, or it is to be run on.
    MeshWake { generation: u32 },
    /// A meter's own deadline (credit in the meter runs out).
    MeterWake { customer: u32, generation: u32 },
    /// A customer's appliances for the day are drawn.
    Day { customer: u32 },
    /// The next appliance switches.
    Switch { customer: u32, generation: u32 },
    /// A customer thinks of paying, or tries again.
    Person { customer: u32, generation: u32 },
    /// A customer in the dark calls, tells, or has had enough.
    Mood { customer: u32, generation: u32 },
    /// The next step of a repair.
    Repair { job: u32, generation: u32 },
    /// Somebody looks at a tampered meter.
    Tamper { customer: u32, generation: u32 },
    /// The operator does something to the site.
    Operation { number: u32 },
    /// Provider or agent has accepted a payment.
    Accepted { payment: u32 },
    /// The provider has a callback ready.
    Callback { payment: u32 },
    /// A copy of a callback is ready to leave this place.
    Hop { payment: u32, at: Place },
    /// A question of the DCU reaches the hosted relay.
    AtIntake { message: MessageId },
    /// An answer of the hosted relay reaches the DCU.
    IntakeAtDcu { message: MessageId },
    /// The hosted relay's journal has been written.
    IntakeCommit { generation: u32 },
    /// The hosted relay's deadline.
    IntakeWake { generation: u32 },
    /// A provider's answer to a status query.
    Status { payment: u32 },
    /// A question of a copy of the DCU reaches the hosted relay.
    TwinAtIntake { message: MessageId },
    /// An answer of the hosted relay reaches the copy.
    IntakeAtTwin { message: MessageId },
    /// The copy's deadline.
    TwinWake { generation: u32 },
    /// A text message with a number reaches a phone.
    TextArrives { payment: u32 },
    /// Somebody asks for a number again.
    TextAsked { payment: u32 },
    /// A number has been typed into a meter.
    Keypad { payment: u32 },
    /// A text with key-change tokens is tried again.
    ChangeTexted { change: u32 },
    /// Key-change tokens have been typed into a meter.
    ChangeTyped { change: u32 },
    /// The operator asks whose token may have died with the old key.
    OrphanAsked { customer: u32, sale: u32 },
    /// The operator sees to a token that a meter has refused.
    RefusedAsked { customer: u32, sale: u32 },
    /// The operator has looked at a journal that is in doubt.
    DoubtLooked,
    /// The owner of a kit looks at it in the morning.
    KitMorning { kit: u32 },
    /// The owner tries again to pay.
    KitBuys { kit: u32 },
    /// The DCU's fetch brings the payment for a kit.
    KitPaid { kit: u32 },
    /// Tokens have been typed into a kit.
    KitTyped { kit: u32 },
}

impl Event {
    /// Two words for the digest: what it is, and what it carries. Message bytes are digested when they arrive.
    pub(crate) fn words(self) -> [u64; 2] {
        let pair = |code: u64, a: u32, b: u32| [code, (u64::from(a) << 32) | u64::from(b)];
        match self {
            Self::Edge(n) => pair(1, n, 0),
            Self::PlantTick { generation } => pair(2, generation, 0),
            Self::Sample => pair(3, 0, 0),
            Self::Failover { generation } => pair(4, generation, 0),
            Self::HoldupEmpty { generation } => pair(5, generation, 0),
            Self::DcuBooted { generation } => pair(6, generation, 0),
            Self::DcuWake { generation } => pair(7, generation, 0),
            Self::Disk { generation } => pair(80, generation, 0),
            Self::AtMeter { customer, message } => pair(8, customer, message.number()),
            Self::AtDcu { customer, message } => pair(9, customer, message.number()),
            Self::AtCloud { message } => pair(10, message.number(), 0),
            Self::DownAtDcu { message } => pair(11, message.number(), 0),
            Self::CloudWake { generation } => pair(12, generation, 0),
            Self::Cried { customer, message } => pair(120, customer, message.number()),
            Self::GaspAtDcu { message } => pair(121, message.number(), 0),
            Self::CurrentsRead => pair(122, 0, 0),
            Self::Joined { customer, generation } => pair(13, customer, generation),
            Self::RelayJoined { relay, generation } => pair(111, relay, generation),
            Self::MeshWake { generation } => pair(110, generation, 0),
            Self::MeterWake { customer, generation } => pair(14, customer, generation),
            Self::Day { customer } => pair(15, customer, 0),
            Self::Switch { customer, generation } => pair(16, customer, generation),
            Self::Person { customer, generation } => pair(17, customer, generation),
            Self::Mood { customer, generation } => pair(50, customer, generation),
            Self::Accepted { payment } => pair(18, payment, 0),
            Self::Callback { payment } => pair(19, payment, 0),
            Self::Hop { payment, at } => pair(40, payment, at.code()),
            Self::AtIntake { message } => pair(101, message.number(), 0),
            Self::IntakeAtDcu { message } => pair(102, message.number(), 0),
            Self::IntakeCommit { generation } => pair(103, generation, 0),
            Self::IntakeWake { generation } => pair(104, generation, 0),
            Self::Status { payment } => pair(105, payment, 0),
            Self::TwinAtIntake { message } => pair(106, message.number(), 0),
            Self::IntakeAtTwin { message } => pair(107, message.number(), 0),
            Self::TwinWake { generation } => pair(108, generation, 0),
            Self::TextArrives { payment } => pair(42, payment, 0),
            Self::TextAsked { payment } => pair(43, payment, 0),
            Self::Keypad { payment } => pair(44, payment, 0),
            Self::ChangeTexted { change } => pair(45, change, 0),
            Self::ChangeTyped { change } => pair(46, change, 0),
            Self::OrphanAsked { customer, sale } => pair(47, customer, sale),
            Self::RefusedAsked { customer, sale } => pair(48, customer, sale),
            Self::DoubtLooked => pair(81, 0, 0),
            Self::KitMorning { kit } => pair(90, kit, 0),
            Self::KitBuys { kit } => pair(91, kit, 0),
            Self::KitPaid { kit } => pair(92, kit, 0),
            Self::KitTyped { kit } => pair(93, kit, 0),
            Self::Repair { job, generation } => pair(60, job, generation),
            Self::Tamper { customer, generation } => pair(61, customer, generation),
            Self::Operation { number } => pair(70, number, 0),
        }
    }
}
