//! Carrying out an image campaign: who is next, what is recorded, who is tried again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use taa_dlms::{
    DataAccessResult,
    cosem::image::{ImageError, Options, Transfer},
};

use super::{Dcu, NS_PER_S, output::DcuEvent};
use crate::{
    MeterIx,
    campaign::{Activation, ImageCampaign, ImageOrder, ImageOrderError, ImageState},
    fleet::{
        Class, Exchange,
        session::{ImageOutcome, ImageWork},
    },
    journal::Entry,
};

/// Progress is recorded this many times on the way, about.
const PROGRESS_STEPS: u32 = 8;
/// The bitmap is read, and the activation left to the second half.
const OPTIONS: Options =
    Options { enable: true, activate: false, rounds_max: 8, setbacks_max: 3, poll_ns: 10_000_000_000, polls_max: 60 };

/// What is remembered of the campaign within a boot.
#[derive(Debug, Default)]
pub(super) struct Images {
    tasks: BTreeMap<MeterIx, Task>,
    /// Meters that are left alone until then, ns.
    waits: BTreeSet<(u64, MeterIx)>,
}

#[derive(Debug, Default)]
struct Task {
    /// Attempts that failed since this boot.
    failures: u32,
    /// Begin at the first block, whatever the meter has.
    afresh: bool,
    /// Number of the record that must be durable before it goes on.
    rests_on: u64,
    waits: bool,
}

impl Images {
    pub(super) fn deadline(&self) -> Option<u64> {
        self.waits.first().map(|(at, _)| *at)
    }

    fn task(&mut self, meter: MeterIx) -> &mut Task {
        self.tasks.entry(meter).or_default()
    }
}

impl Dcu {
    /// Brings an image to meters: transfer, verification, activation. Everything else goes first; meters on one link
    /// take turns with back-fill. Taken once the record of it is durable; a restart goes on where it was.
    ///
    /// # Errors
    /// [`ImageOrderError`]; then nothing was recorded.
    pub fn distribute_image(&mut self, now: u64, order: ImageOrder) -> Result<(), ImageOrderError> {
        self.begin(now);
        if self.state.campaign().is_some_and(ImageCampaign::is_under_way) {
            return Err(ImageOrderError::UnderWay);
        }
        let order = order.check(self.fleet.len())?;
        self.forget_images();
        self.record(now, Entry::ImageOrdered(order));
        self.queue_images();
        self.pump(now);
        self.send(now);
        Ok(())
    }

    /// Calls off what is left of the campaign. What the meters have of the image they keep; false when there is none
    /// under way.
    pub fn cancel_image(&mut self, now: u64) -> bool {
        self.begin(now);
        if !self.state.campaign().is_some_and(ImageCampaign::is_under_way) {
            return false;
        }
        self.record(now, Entry::ImageCancelled);
        self.forget_images();
        self.pump(now);
        self.send(now);
        true
    }

    /// The campaign ordered last: every meter of it, and how far it is.
    #[must_use]
    pub const fn image_campaign(&self) -> Option<&ImageCampaign> {
        self.state.campaign()
    }

    /// Queues every meter that waits for the image.
    pub(super) fn queue_images(&mut self) {
        let Some(campaign) = self.state.campaign().filter(|campaign| campaign.is_under_way()) else { return };
        let open: Vec<_> = campaign.meters().filter(|(_, state)| !state.is_final()).map(|(meter, _)| meter).collect();
        for meter in open {
            self.queue_image(meter);
        }
    }

    /// Queues the meter, if it waits for the image. One that has begun comes first: many half-done ones help nobody.
    pub(super) fn queue_image(&mut self, meter: MeterIx) {
        match self.image_due(meter) {
            None => {}
            Some(ImageState::NotBegun) => self.fleet.enqueue(meter, Class::Image),
            Some(_) => self.fleet.enqueue_first(meter, Class::Image),
        }
    }

    /// How far the meter is, if it waits for the image and is not to be left alone.
    fn image_due(&self, meter: MeterIx) -> Option<ImageState> {
        let campaign = self.state.campaign().filter(|campaign| campaign.is_under_way())?;
        let state = campaign.meter(meter).filter(|state| !state.is_final())?;
        (!self.images.tasks.get(&meter).is_some_and(|task| task.waits)).then_some(state)
    }

    /// It may be gone on with now: what it rests on is durable.
    pub(super) fn image_may_go_on(&self, meter: MeterIx) -> bool {
        self.image_due(meter).is_some() && self.image_rests_on(meter) <= self.durable
    }

    /// Number of the record on which the next step with this meter rests; 0 when there is none.
    pub(super) fn image_rests_on(&self, meter: MeterIx) -> u64 {
        let ordered_by = self.state.campaign().map_or(0, ImageCampaign::ordered_by);
        self.images.tasks.get(&meter).map_or(0, |task| task.rests_on).max(ordered_by)
    }

    /// Gives the session its work, if it has none from before. A meter that takes no images is given up: false.
    pub(super) fn load_image(&mut self, now: u64, meter: MeterIx) -> bool {
        let Some(campaign) = self.state.campaign() else { return false };
        let Some(state) = campaign.meter(meter) else { return false };
        let Some(unit) = self.fleet.unit_mut(meter) else { return false };
        if unit.session.has_image() {
            return true;
        }
        let Some(obis) = unit.session.image_object() else {
            self.give_image_up(now, meter, ImageError::Access(DataAccessResult::ObjectUndefined));
            return false;
        };
        let identifier = campaign.identifier();
        let size = u32::try_from(campaign.bytes()).unwrap_or(u32::MAX);
        let afresh = std::mem::take(&mut self.images.task(meter).afresh);
        let begin = match state {
            ImageState::Verified => {
                unit.session.load_image(ImageWork::Activation(Activation::new(obis, identifier)));
                return true;
            }
            ImageState::Begun { .. } if !afresh => Transfer::resume,
            _ => Transfer::new,
        };
        let transfer = begin(obis, identifier, size, OPTIONS);
        unit.session.load_image(ImageWork::Transfer { transfer, image: Arc::clone(campaign.image()) });
        true
    }

    /// Records how far the meter has got, in coarse steps.
    pub(super) fn note_image(&mut self, now: u64, meter: MeterIx) {
        let progress = self.fleet.unit(meter).and_then(|unit| unit.session.image_progress());
        let (Some((blocks_done, blocks)), Some(campaign)) = (progress, self.state.campaign()) else { return };
        let noted = match campaign.meter(meter) {
            Some(ImageState::NotBegun) => None,
            Some(ImageState::Begun { blocks_done, .. }) => Some(blocks_done),
            _ => return,
        };
        // From its first block on, it is worth asking the meter what it has.
        let begun = noted.is_none() && blocks_done > 0;
        let step = blocks.checked_div(PROGRESS_STEPS).unwrap_or(0).max(1);
        if begun || noted.is_some_and(|noted| blocks_done.abs_diff(noted) >= step) {
            self.record(now, Entry::ImageAt { meter, state: ImageState::Begun { blocks_done, blocks } });
            self.event(DcuEvent::ImageProgress { meter, blocks_done, blocks });
        }
    }

    /// A stretch of the work has ended.
    pub(super) fn take_image(&mut self, now: u64, meter: MeterIx, outcome: ImageOutcome) {
        self.note_image(now, meter);
        let Some(state) = self.image_due(meter) else { return };
        match (outcome, state) {
            (ImageOutcome::Busy(ns), _) => self.image_waits(now.saturating_add(ns), meter),
            (ImageOutcome::Done, ImageState::Verified) => {
                self.finish_image(now, meter, ImageState::Activated);
                self.receipt(DcuEvent::ImageActivated { meter });
            }
            (ImageOutcome::Done, _) => {
                if let Some(unit) = self.fleet.unit_mut(meter) {
                    unit.session.drop_image();
                }
                self.record(now, Entry::ImageAt { meter, state: ImageState::Verified });
                let record = self.state.last_record();
                self.images.task(meter).rests_on = record;
            }
            (ImageOutcome::Failed(error), _) => self.image_failed(now, meter, error),
        }
    }

    fn image_failed(&mut self, now: u64, meter: MeterIx, error: ImageError) {
        let attempts_max = self.config.image_attempts_max.max(1);
        let task = self.images.task(meter);
        task.failures = task.failures.saturating_add(1);
        // Where blocks got lost or time ran out, what has come is good; else nobody knows what the meter has.
        task.afresh = !matches!(error, ImageError::BlocksMissing(_) | ImageError::Busy);
        let failures = task.failures;
        if failures >= attempts_max {
            return self.give_image_up(now, meter, error);
        }
        if let Some(unit) = self.fleet.unit_mut(meter) {
            unit.session.drop_image();
        }
        // Out of the second half there is a way back: a meter that forgot the image gets it again.
        if self.state.campaign().and_then(|campaign| campaign.meter(meter)) == Some(ImageState::Verified) {
            self.record(now, Entry::ImageAt { meter, state: ImageState::NotBegun });
        }
        let wait = u64::from(self.config.retry.wait_s(failures)).saturating_mul(NS_PER_S);
        let until = now.saturating_add(self.jittered(wait));
        self.image_waits(until, meter);
    }

    fn give_image_up(&mut self, now: u64, meter: MeterIx, error: ImageError) {
        self.finish_image(now, meter, ImageState::Failed(error));
        self.event(DcuEvent::ImageFailed { meter, error });
    }

    fn finish_image(&mut self, now: u64, meter: MeterIx, state: ImageState) {
        if let Some(unit) = self.fleet.unit_mut(meter) {
            unit.session.drop_image();
        }
        self.images.tasks.remove(&meter);
        self.record(now, Entry::ImageAt { meter, state });
    }

    fn image_waits(&mut self, until: u64, meter: MeterIx) {
        self.images.task(meter).waits = true;
        self.images.waits.insert((until, meter));
    }

    /// Meters whose time has come.
    pub(super) fn take_image_waits(&mut self, now: u64) {
        while let Some((_, meter)) = self.images.waits.first().copied().filter(|(at, _)| *at <= now) {
            self.images.waits.pop_first();
            self.images.task(meter).waits = false;
            self.queue_image(meter);
        }
    }

    /// Nothing of an earlier campaign goes on.
    fn forget_images(&mut self) {
        self.images = Images::default();
        for ix in 0..self.fleet.len() {
            let meter = MeterIx(ix);
            let Some(unit) = self.fleet.unit_mut(meter).filter(|unit| unit.session.has_image()) else { continue };
            unit.session.drop_image();
            if matches!(unit.job, Some((Exchange::Image, _))) {
                unit.session.give_up();
                self.fleet.end(meter);
                self.requeue(meter);
            }
        }
    }
}
