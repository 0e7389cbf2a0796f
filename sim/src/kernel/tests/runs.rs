//! Whole runs of a small model that reacts: neighbours pass tokens on with delays that are often zero.

use crate::kernel::{
    Control, Fired, Kernel, KernelError, Model, NodeId, NodeTable, Outcome, Pace, PaceClock, Phase, Queue, SimTime,
    Slept,
};
use crate::result::Digest;

const NODES: u32 = 20;

/// Every token goes on to a neighbour after a pseudo-random delay; one in four without delay.
#[derive(Clone, Debug, Default)]
struct Neighbours {
    state: u64,
    handled: u64,
    log: Vec<(u64, u32)>,
}

impl Model for Neighbours {
    type Event = u32;

    fn handle(&mut self, fired: &Fired<u32>, queue: &mut Queue<u32>) {
        self.handled += 1;
        self.log.push((fired.time.0, fired.node.0));
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(u64::from(fired.event) + 1);
        let draw = self.state >> 33;
        let delay_ns = if draw.is_multiple_of(4) { 0 } else { draw % 5_000_000 };
        let phase = Phase::ALL[(draw >> 7) as usize % 7];
        queue.after_ns(delay_ns, phase, NodeId((fired.node.0 + 1 + fired.event) % NODES), fired.event);
    }

    fn digest_words(event: &u32) -> [u64; 2] {
        [u64::from(*event), 0]
    }
}

fn table() -> NodeTable {
    let names: Vec<String> = (0..NODES).map(|n| format!("n{n}")).collect();
    NodeTable::new(names.iter().map(String::as_str)).expect("names differ")
}

fn kernel() -> Kernel<Neighbours> {
    let mut queue = Queue::new(table());
    for n in 0..NODES {
        queue.at(SimTime(u64::from(n) * 1000), Phase::Customer, NodeId(n), n);
    }
    Kernel::new(Neighbours::default(), queue)
}

const END: SimTime = SimTime::from_ms(200);

fn straight() -> (Digest, u64) {
    let mut kernel = kernel();
    assert_eq!(kernel.run_until(END, &mut |_| Control::Go), Ok(Outcome::Reached));
    assert_eq!(kernel.queue.now(), END);
    assert!(kernel.events() > 1000, "{} events", kernel.events());
    (kernel.digest(), kernel.events())
}

#[test]
fn pauses_steps_and_stretches_leave_no_trace() {
    let expected = straight();

    let mut stretches = kernel();
    for ms in (1..=200).step_by(7).chain([200]) {
        assert_eq!(stretches.run_until(SimTime::from_ms(ms), &mut |_| Control::Go), Ok(Outcome::Reached));
    }
    assert_eq!((stretches.digest(), stretches.events()), expected);

    let mut paused = kernel();
    paused.progress_every_events = 13;
    let mut pauses = 0;
    while paused.run_until(END, &mut |_| Control::Stop) == Ok(Outcome::Stopped) {
        pauses += 1;
    }
    assert!(pauses > 50, "{pauses} pauses");
    assert_eq!((paused.digest(), paused.events()), expected);

    let mut stepped = kernel();
    while stepped.queue.peek_time().is_some_and(|next| next <= END) {
        assert!(stepped.step().expect("no loop").is_some());
    }
    assert_eq!((stepped.digest(), stepped.events()), expected);
}

#[test]
fn sabotage_one_event_more_changes_the_digest() {
    let mut other = kernel();
    other.queue.at(SimTime::from_ms(199), Phase::Probe, NodeId(3), 99);
    assert_eq!(other.run_until(END, &mut |_| Control::Go), Ok(Outcome::Reached));
    assert_ne!(other.digest(), straight().0);
}

#[test]
fn progress_comes_by_events_and_by_simulated_time() {
    let mut kernel = kernel();
    kernel.progress_every_events = u64::MAX;
    kernel.progress_every_ns = 50_000_000;
    let mut seen = Vec::new();
    let outcome = kernel.run_until(END, &mut |progress| {
        seen.push(progress.now.as_ms());
        Control::Go
    });
    assert_eq!(outcome, Ok(Outcome::Reached));
    assert_eq!(seen, [50, 100, 150]);
}

/// Two lamps that switch each other on and off within one instant, for ever.
struct Flicker;

impl Model for Flicker {
    type Event = ();

    fn handle(&mut self, fired: &Fired<()>, queue: &mut Queue<()>) {
        queue.at(fired.time, Phase::Customer, NodeId(1 - fired.node.0), ());
    }

    fn digest_words(_: &()) -> [u64; 2] {
        [0, 0]
    }
}

#[test]
fn a_loop_of_no_time_is_stopped_and_named() {
    let nodes = NodeTable::new(["porch", "stairs"]).expect("names differ");
    let mut kernel = Kernel::new(Flicker, Queue::new(nodes));
    kernel.queue.at(SimTime::from_s(90), Phase::Customer, NodeId(0), ());
    let error = kernel.run_until(SimTime::MAX, &mut |_| Control::Go).expect_err("time stands still");
    let mut nodes = vec!["porch".to_owned(), "stairs".to_owned()];
    nodes.sort_by_key(|name| kernel.queue.nodes().id(name));
    assert_eq!(error, KernelError::ZeroDelayLoop { at: SimTime::from_s(90), deltas: 10_001, nodes });
    assert!(error.to_string().contains("0d 00:01:30.000"), "{error}");
    assert_eq!(kernel.step(), Err(error), "and it stays stopped");
}

/// A clock that moves only when slept on, or by a fixed cost per reading.
struct Wall {
    now_ns: u64,
    per_reading_ns: u64,
    interrupt_at_ns: Option<u64>,
    slept_ns: u64,
}

impl PaceClock for Wall {
    fn now_ns(&mut self) -> u64 {
        self.now_ns += self.per_reading_ns;
        self.now_ns
    }

    fn sleep_until(&mut self, deadline_ns: u64) -> Slept {
        match self.interrupt_at_ns.take_if(|at| *at < deadline_ns) {
            Some(at) => {
                self.now_ns = self.now_ns.max(at);
                Slept::Interrupted
            }
            None => {
                self.slept_ns += deadline_ns.saturating_sub(self.now_ns);
                self.now_ns = self.now_ns.max(deadline_ns);
                Slept::Through
            }
        }
    }
}

fn wall() -> Wall {
    Wall { now_ns: 7_000, per_reading_ns: 0, interrupt_at_ns: None, slept_ns: 0 }
}

#[test]
fn a_paced_run_takes_its_time_and_changes_nothing() {
    let mut kernel = kernel();
    let mut clock = wall();
    assert_eq!(kernel.run_paced(END, &mut clock, 4.0), Ok(Outcome::Reached));
    assert_eq!((kernel.digest(), kernel.events()), straight());
    assert_eq!(clock.slept_ns, END.0 / 4);
    assert_eq!(kernel.queue.now(), END);
}

#[test]
fn a_slow_model_falls_behind_and_catches_up() {
    let mut kernel = kernel();
    let mut clock = Wall { per_reading_ns: 2_000, ..wall() };
    let mut pace = Pace::anchor(&mut clock, SimTime::ZERO, 1.0).expect("a pace");
    assert_eq!(kernel.run_at_pace(END, &mut clock, &mut pace), Ok(Outcome::Reached));
    assert!(pace.lag_ns_max() > 2_000, "{} ns", pace.lag_ns_max());
    assert!(clock.now_ns < END.0 + 100_000, "yet the end is met at {} ns", clock.now_ns);
}

#[test]
fn an_interruption_hands_over_at_the_clocks_present() {
    let mut kernel = Kernel::new(Neighbours::default(), Queue::new(table()));
    kernel.queue.at(SimTime::from_ms(100), Phase::Meter, NodeId(2), 0);
    let mut clock = Wall { interrupt_at_ns: Some(7_000 + 30_000_000), ..wall() };
    let mut pace = Pace::anchor(&mut clock, SimTime::ZERO, 2.0).expect("a pace");
    assert_eq!(kernel.run_at_pace(END, &mut clock, &mut pace), Ok(Outcome::Stopped));
    assert_eq!(kernel.queue.now(), SimTime::from_ms(60));
    kernel.queue.at(kernel.queue.now(), Phase::Radio, NodeId(1), 5);
    assert_eq!(kernel.run_at_pace(END, &mut clock, &mut pace), Ok(Outcome::Reached));
    assert_eq!(kernel.model.log.first(), Some(&(60_000_000, 1)));
    assert_eq!(clock.now_ns, 7_000 + END.0 / 2, "no drift over the interruption");
}

#[test]
fn a_pace_that_is_no_pace_is_refused() {
    for factor in [0.0, -1.0, f64::INFINITY, f64::NAN] {
        assert!(matches!(kernel().run_paced(END, &mut wall(), factor), Err(KernelError::BadPace { .. })));
    }
}
