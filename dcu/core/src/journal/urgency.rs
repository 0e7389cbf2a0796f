//! Which records somebody waits for.

use super::Entry;
use crate::campaign::ImageState;

/// How soon a record must be durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Urgency {
    /// It may wait for company: lost with the power, it is read, asked or reckoned again, and nobody was told.
    Soon,
    /// Something outside waits for it: a receipt, an order, a message whose counter it reserves. With it everything
    /// recorded before becomes durable, so that the order of records never breaks.
    Now,
}

impl Entry {
    /// How soon the record must be durable. It is a hint for the time of a commit alone: whatever it says, nothing that
    /// rests on a record leaves before [`crate::Dcu::handle_durable`] covers it.
    #[must_use]
    pub const fn urgency(&self) -> Urgency {
        match self {
            // Readings are still in the meter's profile; acknowledgements come again; the day's fee is reckoned again;
            // maps and progress are asked of the meter again; an alarm confirmed twice is confirmed; the intake relay hands
            // out again what it was not told of.
            Self::Reading(_)
            | Self::Backfilled { .. }
            | Self::DayFee { .. }
            | Self::Acked { .. }
            | Self::MapLearned { .. }
            | Self::PaymentsLate { .. }
            | Self::AlarmConfirmed { .. } => Urgency::Soon,
            // Seen of itself it will be seen again; as the answer to an order the cloud waits for it.
            Self::RelaySeen { order, .. } => {
                if order.is_some() {
                    Urgency::Now
                } else {
                    Urgency::Soon
                }
            }
            // A meter is told to activate only what is durably verified.
            Self::ImageAt { state, .. } => match state {
                ImageState::NotBegun | ImageState::Begun { .. } => Urgency::Soon,
                _ => Urgency::Now,
            },
            // The number of the boot, before anything is stamped with it.
            Self::Boot { .. }
            | Self::Payment { .. }
            | Self::Resolved { .. }
            | Self::Ordered { .. }
            | Self::CreditDelivered { .. }
            | Self::TariffChanged(_)
            | Self::TariffStarted
            | Self::Amended(_)
            | Self::AmendDeclined { .. }
            | Self::AmendAsked(_)
            | Self::AmendTold(_)
            | Self::ClassesSet(_)
            | Self::Classed { .. }
            | Self::Subscribed { .. }
            | Self::ReceiptSettled { .. }
            | Self::Alarm { .. }
            | Self::TitleTaken { .. }
            | Self::CounterReserved { .. }
            | Self::MeterAlarm { .. }
            | Self::ImageOrdered(_)
            | Self::ImageCancelled
            // The relay is asked under the one, and keeps payments until the other.
            | Self::FetchSession { .. }
            | Self::FetchMoved { .. }
            | Self::Vending(_)
            // Orders wait for theirs; promises go out; what was lost is told.
            | Self::RelayOrdered(_)
            | Self::OrderDated { .. }
            | Self::OrderRefused { .. }
            | Self::OpeningsAllowed
            | Self::LedgerSigned { .. }
            | Self::PromiseBroken { .. }
            | Self::JournalDoubted { .. }
            | Self::DoubtEnded
            | Self::Outage(_)
            // The cloud is told how far the journal goes only behind this one.
            | Self::Witnessed { .. }
            | Self::Checkpoint(_) => Urgency::Now,
        }
    }
}
