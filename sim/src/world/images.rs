//! A firmware update of the meters: ordered at the site by the operator, carried by the DCU over the mesh, and what
//! becomes of it.
//!
//! The order is given to the DCU as it stands: while the DCU is down, or busy with another image, the operator tries
//! again. Everything after that is the DCU's business and the meters'. How the image comes to the site is not simulated.

use taa_dcu::{DcuEvent, ImageCampaign, ImageOrder, MeterIx};
use taa_meter::firmware_image;
use taa_models::draw::{Draws, NodeKey, Purpose};
use taa_scenarios::model::{FaultTarget, OperationKind};

use super::{Event, Village};
use crate::{
    kernel::{Phase, Queue, SimTime},
    records::{ImageRow, ImageStep},
};

const IMAGE: Purpose = Purpose::named("firmware image");
/// Until the operator tries again, ms (assumed).
const AGAIN_MS: u64 = 900_000;
/// Of every image, so that it has the size ordered: its digest.
const DIGEST_BYTES: usize = 32;

impl Village<'_> {
    /// Schedules what the operator does.
    pub(crate) fn schedule_operations(&self, queue: &mut Queue<Event>) {
        for (number, operation) in (0_u32..).zip(&self.scenario.operations) {
            let at = SimTime::from_ms(operation.at_ms);
            queue.at(at, Phase::Customer, self.ops.outside, Event::Operation { number });
        }
    }

    /// The operator does something to the site.
    pub(crate) fn operation(&mut self, number: u32, now_ms: u64, queue: &mut Queue<Event>) {
        if self.prices_changed(number, now_ms, queue) {
            return;
        }
        let operation = &self.scenario.operations[number as usize];
        let OperationKind::FirmwareUpdate { identifier, image_kb, target } = &operation.what else {
            return self.keys_ordered(number, now_ms, queue);
        };
        let image = self.image(identifier, *image_kb, number);
        let meters = match target {
            FaultTarget::Customers(list) => list.iter().copied().map(MeterIx).collect(),
            _ => Vec::new(),
        };
        let order = ImageOrder { identifier: identifier.as_bytes().to_vec(), image: image.into(), meters };
        let mut done = None;
        self.with_dcu(now_ms, queue, |dcu, now| done = Some(dcu.distribute_image(now, order)));
        let text = match done {
            Some(Ok(())) => format!("image {identifier} of {image_kb} kB ordered"),
            refused => {
                let again = SimTime::from_ms(now_ms + AGAIN_MS);
                queue.at(again, Phase::Customer, self.ops.outside, Event::Operation { number });
                let why = refused.and_then(Result::err);
                why.map_or_else(|| "the data concentrator is down; tried again".to_owned(), |why| why.to_string())
            }
        };
        self.log(now_ms, "firmware_update", operation.id.clone(), text);
    }

    fn image(&self, identifier: &str, image_kb: u32, number: u32) -> Vec<u8> {
        let bytes = image_kb as usize * 1000;
        let mut draws = Draws::keyed(self.seed.0, self.seed.1, NodeKey::of(identifier), IMAGE, u64::from(number));
        let mut payload = Vec::with_capacity(bytes);
        while payload.len() < bytes {
            payload.extend_from_slice(&draws.u64().to_le_bytes());
        }
        payload.truncate(bytes.saturating_sub(DIGEST_BYTES));
        firmware_image(identifier.as_bytes(), &payload)
    }

    /// Word of the campaign.
    pub(crate) fn image_event(&mut self, event: &DcuEvent, now_ms: u64) {
        let (meter, step, blocks_done, blocks) = match *event {
            DcuEvent::ImageProgress { meter, blocks_done, blocks } => {
                (meter, ImageStep::Transferring, blocks_done, blocks)
            }
            DcuEvent::ImageActivated { meter } => (meter, ImageStep::Activated, 0, 0),
            DcuEvent::ImageFailed { meter, .. } => (meter, ImageStep::Failed, 0, 0),
            _ => return,
        };
        if let DcuEvent::ImageFailed { error, .. } = event {
            let id = self.scenario.village.customers[meter.0 as usize].id.clone();
            self.log(now_ms, "image_failed", id, error.to_string());
        }
        self.records.images.push(ImageRow { time_ms: now_ms, customer: meter.0, step, blocks_done, blocks });
        let under_way = self.site_campaign().is_some_and(ImageCampaign::is_under_way);
        if step != ImageStep::Transferring && !under_way {
            self.log(now_ms, "firmware_update", String::new(), "no meter is left to be updated".to_owned());
        }
    }
}
