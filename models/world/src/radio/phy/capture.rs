//! Which of overlapping frames a receiver catches.
//!
//! A receiver locks on a preamble. While it still reads that preamble, a frame stronger by `preamble_db` takes it over;
//! once it reads the payload, only one stronger by `payload_db` does, and only if the receiver can start anew
//! (`restarts`). Whatever else is on the air counts as noise, part by part: [`Heard::segments`] says how long the
//! caught frame had which ratio, and the caller draws each part's success from its [`super::PerTable`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::param::{Checks, ParamError};

/// How a receiver behaves when frames overlap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CaptureParams {
    /// Weakest preamble that is found, dBm. Assumed: −108 (as the village's sensitivity).
    pub preamble_dbm: f64,
    /// How much stronger than all else a preamble must be to be locked on, dB. Assumed: 4.
    pub preamble_db: f64,
    /// How much stronger a late frame must be to be taken instead of the one being read, dB. Assumed: 10.
    pub payload_db: f64,
    /// Whether the receiver can start anew in the middle of a payload. Assumed: false.
    pub restarts: bool,
}

impl Default for CaptureParams {
    fn default() -> Self {
        Self { preamble_dbm: -108.0, preamble_db: 4.0, payload_db: 10.0, restarts: false }
    }
}

impl CaptureParams {
    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        let level = (-150.0..=-30.0).contains(&self.preamble_dbm);
        Checks::default()
            .demand(level, "preamble_dbm", self.preamble_dbm, "-150 to -30 dBm")
            .demand((-10.0..=40.0).contains(&self.preamble_db), "preamble_db", self.preamble_db, "-10 to 40 dB")
            .demand((-10.0..=40.0).contains(&self.payload_db), "payload_db", self.payload_db, "-10 to 40 dB")
            .done()
    }
}

/// A part of a frame with one ratio of signal to noise and interference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// Its length, µs.
    pub us: u64,
    /// Signal over noise and all other signals, dB.
    pub sinr_db: f64,
}

/// The frame that a receiver was locked on until its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// Which.
    pub frame: u64,
    /// Its payload's parts in order, preamble left out.
    pub segments: Vec<Segment>,
}

#[derive(Clone, Debug)]
struct OnAir {
    frame: u64,
    milliwatt: f64,
}

#[derive(Clone, Debug)]
struct Lock {
    frame: u64,
    milliwatt: f64,
    payload_from_us: u64,
    since_us: u64,
    segments: Vec<Segment>,
}

/// One receiver on one channel. `handle_*` in order of time; nothing is drawn here.
#[derive(Clone, Debug)]
pub struct Receiver {
    params: CaptureParams,
    noise_milliwatt: f64,
    on_air: Vec<OnAir>,
    lock: Option<Lock>,
}

impl Receiver {
    /// A receiver with this noise floor, dBm.
    #[must_use]
    pub fn new(params: CaptureParams, noise_dbm: f64) -> Self {
        Self { params, noise_milliwatt: milliwatt(noise_dbm), on_air: Vec::new(), lock: None }
    }

    /// Whether a frame is being read.
    #[must_use]
    pub const fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    /// All power on the channel, noise included, dBm: what clear channel assessment measures.
    #[must_use]
    pub fn energy_dbm(&self) -> f64 {
        10.0 * libm::log10(self.noise_milliwatt + self.on_air.iter().map(|o| o.milliwatt).sum::<f64>())
    }

    /// A frame begins. `preamble_us` as [`super::Phy::preamble_us`]; interference that is no frame has none and is
    /// never locked on.
    pub fn handle_start(&mut self, now_us: u64, frame: u64, dbm: f64, preamble_us: Option<u64>) {
        self.close_segment(now_us);
        let power = milliwatt(dbm);
        if let Some(preamble_us) = preamble_us
            && self.takes(now_us, power, dbm)
        {
            let payload_from_us = now_us + preamble_us;
            self.lock = Some(Lock { frame, milliwatt: power, payload_from_us, since_us: now_us, segments: Vec::new() });
        }
        self.on_air.push(OnAir { frame, milliwatt: power });
    }

    /// A frame ends; answers with it when the receiver was locked on it.
    pub fn handle_end(&mut self, now_us: u64, frame: u64) -> Option<Heard> {
        self.close_segment(now_us);
        self.on_air.retain(|o| o.frame != frame);
        let lock = self.lock.take_if(|l| l.frame == frame)?;
        Some(Heard { frame, segments: lock.segments })
    }

    /// The receiver turns away (it sends, or hops to another channel): what it was reading is lost.
    pub fn handle_turn_away(&mut self) {
        self.lock = None;
    }

    fn takes(&self, now_us: u64, power: f64, dbm: f64) -> bool {
        if dbm < self.params.preamble_dbm {
            return false;
        }
        let margin = match &self.lock {
            None => self.params.preamble_db,
            Some(lock) if now_us < lock.payload_from_us => self.params.preamble_db,
            Some(_) if self.params.restarts => self.params.payload_db,
            Some(_) => return false,
        };
        let others: f64 = self.on_air.iter().map(|o| o.milliwatt).sum();
        others <= 0.0 || 10.0 * libm::log10(power / others) >= margin
    }

    fn close_segment(&mut self, now_us: u64) {
        let total: f64 = self.on_air.iter().map(|o| o.milliwatt).sum();
        let noise = self.noise_milliwatt;
        let Some(lock) = &mut self.lock else { return };
        let from = lock.since_us.max(lock.payload_from_us);
        if now_us > from {
            let against = noise + (total - lock.milliwatt).max(0.0);
            let sinr_db = 10.0 * libm::log10(lock.milliwatt / against);
            lock.segments.push(Segment { us: now_us - from, sinr_db });
        }
        lock.since_us = now_us;
    }
}

fn milliwatt(dbm: f64) -> f64 {
    libm::pow(10.0, dbm / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREAMBLE: Option<u64> = Some(1920);

    fn receiver(restarts: bool) -> Receiver {
        Receiver::new(CaptureParams { restarts, ..CaptureParams::default() }, -117.0)
    }

    #[test]
    fn a_lone_frame_has_one_segment_at_its_own_ratio() {
        let mut r = receiver(false);
        r.handle_start(1000, 1, -90.0, PREAMBLE);
        let heard = r.handle_end(42_920, 1).unwrap();
        assert_eq!(heard.segments.len(), 1);
        assert_eq!(heard.segments[0].us, 40_000);
        assert!((heard.segments[0].sinr_db - 27.0).abs() < 1e-6);
        assert!(!r.is_locked() && (r.energy_dbm() + 117.0).abs() < 1e-6);
    }

    #[test]
    fn a_stronger_frame_takes_over_during_the_preamble_and_not_later() {
        let mut early = receiver(false);
        early.handle_start(0, 1, -90.0, PREAMBLE);
        early.handle_start(1000, 2, -80.0, PREAMBLE);
        assert_eq!(early.handle_end(20_000, 1), None);
        assert_eq!(early.handle_end(21_000, 2).map(|h| h.frame), Some(2));

        for (restarts, caught) in [(false, 1), (true, 2)] {
            let mut late = receiver(restarts);
            late.handle_start(0, 1, -90.0, PREAMBLE);
            late.handle_start(10_000, 2, -79.0, PREAMBLE);
            let ends = [late.handle_end(20_000, 1), late.handle_end(30_000, 2)];
            let frames: Vec<u64> = ends.into_iter().flatten().map(|h| h.frame).collect();
            assert_eq!(frames, [caught]);
        }
        // Two alike: the first is kept.
        let mut alike = receiver(true);
        alike.handle_start(0, 1, -90.0, PREAMBLE);
        alike.handle_start(500, 2, -89.0, PREAMBLE);
        assert_eq!(alike.handle_end(20_000, 1).map(|h| h.frame), Some(1));
    }

    #[test]
    fn interference_spoils_only_the_part_it_covers() {
        let mut r = receiver(false);
        r.handle_start(0, 1, -80.0, PREAMBLE);
        r.handle_start(10_000, 2, -85.0, None);
        assert_eq!(r.handle_end(15_000, 2), None);
        let heard = r.handle_end(20_000, 1).unwrap();
        let parts: Vec<(u64, i64)> = heard
            .segments
            .iter()
            .map(|s| {
                #[allow(clippy::cast_possible_truncation)]
                let whole = libm::round(s.sinr_db) as i64;
                (s.us, whole)
            })
            .collect();
        assert_eq!(parts, [(8080, 37), (5000, 5), (5000, 37)]);
    }

    #[test]
    fn too_weak_or_turned_away_is_not_heard() {
        let mut r = receiver(false);
        r.handle_start(0, 1, -110.0, PREAMBLE);
        assert!(!r.is_locked() && r.handle_end(10_000, 1).is_none());
        r.handle_start(20_000, 2, -80.0, PREAMBLE);
        r.handle_turn_away();
        assert_eq!(r.handle_end(30_000, 2), None);
        assert_eq!(CaptureParams::default().check(), []);
    }
}
