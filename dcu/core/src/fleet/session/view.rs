//! What a session knows of its meter, and what an event means to the step under way.

use std::sync::Arc;

use taa_dlms::{
    ClientEvent, DataAccessResult, Error, Value,
    apdu::ActionResult,
    client::{Notification, ReadResult},
    cosem::{ObjectMap, ProfileRows, map::Discovered},
    error::Refusal,
};

use super::{Fault, Next, Outcome, Polled, Sample, Step};
use crate::{
    config::CreditAt,
    fleet::{layout::Layout, own::Own},
    reading::Lack,
};

/// `EVENT_PRIORITY_OUTAGE` as the documents want it.
pub(super) const MOST_URGENT: u8 = 1;

/// What is known of the meter.
#[derive(Debug)]
pub(super) struct View {
    name: Box<[u8]>,
    credit_at: CreditAt,
    /// From its object map, once that is known.
    pub(super) layout: Option<Result<Box<Layout>, Lack>>,
    /// That map, if it was read from this very meter.
    pub(super) own_list: Option<Arc<ObjectMap>>,
    /// From itself, once it is introduced.
    pub(super) own: Option<Own>,
    /// In the middle of an exchange it turned out to be another firmware than the requests were made for.
    pub(super) changed: bool,
}

impl View {
    pub(super) fn new(name: &str, credit_at: CreditAt) -> Self {
        Self { name: name.as_bytes().into(), credit_at, layout: None, own_list: None, own: None, changed: false }
    }

    pub(super) const fn name(&self) -> &[u8] {
        &self.name
    }

    pub(super) fn layout(&self) -> Option<&Layout> {
        self.layout.as_ref()?.as_deref().ok()
    }

    /// Everything learnt is forgotten.
    pub(super) fn forget(&mut self) {
        self.layout = None;
        self.own = None;
    }

    fn adopt(&mut self, discovered: &Discovered) {
        let map = &discovered.map;
        let own = discovered.was_read || self.own_list.as_ref().is_some_and(|own| Arc::ptr_eq(own, map));
        self.own_list = own.then(|| Arc::clone(map));
        self.layout = Some(Layout::choose(map, self.credit_at).map(Box::new));
        self.own = None;
        self.changed = true;
    }

    /// `step` is the one under way.
    pub(super) fn judge(&mut self, step: Option<Step>, event: &ClientEvent<'_>) -> Next {
        match (event, step) {
            (ClientEvent::ReserveCounter(bound), _) => Next::Tell(Polled::Reserve(*bound)),
            (ClientEvent::MapWanted(firmware), _) => Next::Tell(Polled::MapWanted((*firmware).clone())),
            (ClientEvent::Discovered(discovered), _) => {
                self.adopt(discovered);
                Next::Tell(Polled::Discovered((*discovered).clone()))
            }
            (ClientEvent::Notification(notification), _) => Next::Tell(Polled::Pushed(self.pushed(notification))),
            (ClientEvent::Associated(_) | ClientEvent::NotDiscovered(_), _) | (_, None) => Next::Nothing,
            (ClientEvent::Failed(error), _) => Next::End(Outcome::Failed(fault(*error))),
            (ClientEvent::Values(values), Some(Step::Introduce)) => Next::End(self.introduced(values)),
            (ClientEvent::Values(values), Some(Step::Sample)) => Next::End(self.sample(values)),
            (ClientEvent::Values(values), Some(Step::ReadAlarms { taken })) => alarms(values, taken),
            (ClientEvent::Values(values), Some(Step::ReadGasp)) => gasp(values),
            (ClientEvent::Profile(rows), Some(Step::Profile { .. })) => Next::End(self.rows(rows)),
            (ClientEvent::Done(_), Some(step)) => self.done(step),
            _ => Next::End(Outcome::Failed(Fault::Misbehaved)),
        }
    }

    fn done(&self, step: Step) -> Next {
        match (step, &self.layout) {
            (Step::Discover, Some(Ok(_))) => Next::Step(Step::Introduce),
            (Step::Discover, Some(Err(lack))) => Next::End(Outcome::Unsuitable(*lack)),
            (Step::Order { .. }, _) => Next::Step(Step::Sample),
            (Step::Price, _) => Next::Step(Step::Fee),
            (Step::Fee, _) => Next::Step(Step::Grace),
            (Step::Grace, _) => Next::Step(Step::Credit),
            (Step::Credit, _) => Next::End(Outcome::CreditWritten),
            (Step::SetClock { gasp: true }, _) => Next::Step(Step::ReadGasp),
            (Step::SetClock { gasp: false }, _) => Next::End(Outcome::Upkept { found: None }),
            (Step::ArmGasp, _) => Next::End(Outcome::Upkept { found: Some(0) }),
            (Step::WriteAlarms { left }, _) => Next::End(Outcome::AlarmsConfirmed { left }),
            _ => Next::End(Outcome::Failed(Fault::Misbehaved)),
        }
    }

    fn introduced(&mut self, values: &[ReadResult]) -> Outcome {
        let (Some(layout), Some(name)) = (self.layout(), values.first()) else {
            return Outcome::Failed(Fault::Misbehaved);
        };
        match name {
            Err(error) => return Outcome::Failed(denied(*error)),
            Ok(name) if name.as_bytes() != Some(&self.name) => return Outcome::Introduced { right_name: false },
            Ok(_) => {}
        }
        match Own::read(layout, values) {
            None => Outcome::Failed(Fault::Misbehaved),
            Some(Err(lack)) => Outcome::Unsuitable(lack),
            Some(Ok(own)) => {
                self.own = Some(own);
                Outcome::Introduced { right_name: true }
            }
        }
    }

    /// In the order in which [`super::Session`] asks: energy, relay, credit.
    fn sample(&self, values: &[ReadResult]) -> Outcome {
        let (Some(own), Some(layout)) = (&self.own, self.layout()) else {
            return Outcome::Failed(Fault::Misbehaved);
        };
        let mut values = values.iter();
        let mut next = || match values.next() {
            Some(Ok(value)) => Ok(value),
            Some(Err(error)) => Err(denied(*error)),
            None => Err(Fault::Misbehaved),
        };
        let mut read = || {
            let energy = next()?.as_u64().ok_or(Fault::Misbehaved)?;
            let relay_closed = match layout.relay {
                Some(_) => Some(next()?.as_bool().ok_or(Fault::Misbehaved)?),
                None => None,
            };
            let credit_minor = match self.credit_at {
                CreditAt::Meter => Some(next()?.as_i64().ok_or(Fault::Misbehaved)?),
                CreditAt::Dcu | CreditAt::Cloud => None,
            };
            Ok(Sample { register_wh: own.wh(energy), relay_closed, credit_minor })
        };
        read().map_or_else(Outcome::Failed, Outcome::Sample)
    }

    /// Rows of another width than the columns that the meter told: it must be asked anew.
    fn rows(&self, rows: &ProfileRows) -> Outcome {
        let rows = self.own.as_ref().and_then(|own| own.rows(rows));
        rows.map_or(Outcome::Failed(Fault::Contradicted), Outcome::Rows)
    }

    /// The alarm bits of a push; `None` when it says something else, or it is not known yet where they stand.
    fn pushed(&self, push: &Notification) -> Option<u32> {
        let at = self.own.as_ref()?.pushed_at?;
        u32::try_from(push.value.elements()?.get(at)?.as_u64()?).ok()
    }
}

/// The descriptor as it stands, and what is to be written: what has been taken is cleared, the rest stays.
fn alarms(values: &[ReadResult], taken: u32) -> Next {
    let standing = match values {
        [Ok(value)] => value.as_u64().and_then(|bits| u32::try_from(bits).ok()),
        [Err(error)] => return Next::End(Outcome::Failed(denied(*error))),
        _ => None,
    };
    match standing {
        Some(standing) => Next::Step(Step::WriteAlarms { left: standing & !taken }),
        None => Next::End(Outcome::Failed(Fault::Misbehaved)),
    }
}

/// The priority as it stands. 0 is what a firmware update leaves: the meter is armed again.
fn gasp(values: &[ReadResult]) -> Next {
    match values {
        [Ok(Value::U8(0))] => Next::Step(Step::ArmGasp),
        [Ok(Value::U8(priority))] => Next::End(Outcome::Upkept { found: Some(*priority) }),
        [Err(error)] => Next::End(Outcome::Failed(denied(*error))),
        _ => Next::End(Outcome::Failed(Fault::Misbehaved)),
    }
}

/// The value that confirms: a descriptor in which only these bits are left.
pub(super) const fn descriptor(left: u32) -> Value {
    Value::U32(left)
}

pub(super) fn fault(error: Error) -> Fault {
    match error {
        Error::Transport(_) => Fault::Silent,
        Error::Security(_) => Fault::Security,
        Error::Refused(Refusal::Access(result)) => denied(result),
        Error::Refused(Refusal::Action(ActionResult::ObjectUndefined | ActionResult::ObjectClassInconsistent)) => {
            Fault::Contradicted
        }
        Error::Refused(_) => Fault::Refused,
        _ => Fault::Misbehaved,
    }
}

/// What a result says that should not have come after what the map says.
pub(super) const fn denied(result: DataAccessResult) -> Fault {
    match result {
        DataAccessResult::ObjectUndefined | DataAccessResult::ObjectClassInconsistent => Fault::Contradicted,
        _ => Fault::Refused,
    }
}
