//! Stations against each other over a line that damages, loses and cuts; the decoder in noise.

use proptest::prelude::*;

use super::*;

const S: u64 = 1_000_000_000;

fn client() -> Address {
    Address::client(1).unwrap()
}

fn server() -> Address {
    Address::server(1, Some(17)).unwrap()
}

fn config(limits: Parameters) -> PrimaryConfig {
    PrimaryConfig {
        client: client(),
        server: server(),
        proposal: limits,
        response_timeout_ns: S,
        inter_octet_timeout_ns: S / 5,
        retries: 5,
        busy_pause_ns: S / 10,
        message_max: 70_000,
        baud: None,
    }
}

/// A line between the stations; the meter answers every message with its echo, doubled.
struct Line {
    primary: Primary,
    secondary: Secondary,
    now: u64,
    /// Frames on the line so far, both ways.
    frames: usize,
    /// What happens to the frame of that number.
    fate: Box<dyn Fn(usize) -> Fate>,
    /// Messages that reached the meter.
    asked: Vec<Vec<u8>>,
    told: Vec<String>,
    answers: Vec<Vec<u8>>,
    /// REJ frames, and whether the meter sent them.
    rejected: Vec<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Arrives,
    Lost,
    Damaged,
    Noisy,
}

impl Line {
    fn new(ours: Parameters, theirs: Parameters, fate: impl Fn(usize) -> Fate + 'static) -> Self {
        Self {
            primary: Primary::new(config(ours)),
            secondary: Secondary::new(SecondaryConfig::new(server(), theirs)),
            now: 0,
            frames: 0,
            fate: Box::new(fate),
            asked: Vec::new(),
            told: Vec::new(),
            answers: Vec::new(),
            rejected: Vec::new(),
        }
    }

    /// Cuts a turn into frames and lets each meet its fate.
    fn carry(&mut self, turn: &[u8]) -> Vec<u8> {
        let mut decoder = Decoder::new();
        decoder.push(turn);
        let mut arrived = Vec::new();
        while let Some(frame) = decoder.next_frame() {
            let mut bytes = Vec::new();
            frame.encode(&mut bytes).unwrap();
            if matches!(frame.control, Control::Reject { .. }) {
                self.rejected.push(frame.source == server());
            }
            match (self.fate)(self.frames) {
                Fate::Arrives => {}
                Fate::Lost => bytes.clear(),
                Fate::Damaged => {
                    let middle = bytes.len() / 2;
                    bytes[middle] ^= 0x55;
                }
                Fate::Noisy => {
                    bytes.splice(0..0, [0x00, 0x7E, 0xA0, 0x7E, 0xA7, 0xFF, 0x02]);
                }
            }
            arrived.extend_from_slice(&bytes);
            self.frames += 1;
        }
        arrived
    }

    /// Runs until nobody has anything to say and no deadline is left.
    fn run(&mut self) {
        for _ in 0..10_000 {
            while let Some(event) = self.primary.poll_event() {
                match event {
                    LinkEvent::Message(message) => {
                        self.answers.push(message.to_vec());
                        self.primary.stop_asking();
                    }
                    LinkEvent::Up(_) => self.told.push("up".into()),
                    LinkEvent::Unnumbered(message) => self.told.push(format!("push of {}", message.len())),
                    LinkEvent::Down(why) => self.told.push(format!("{why:?}")),
                }
            }
            if let Some(turn) = self.primary.poll_transmit().map(<[u8]>::to_vec) {
                let arrived = self.carry(&turn);
                if !arrived.is_empty() {
                    self.secondary.handle_receive(self.now, &arrived);
                }
                while let Some(event) = self.secondary.poll_event() {
                    if let StationEvent::Message { message, .. } = event {
                        let message = message.to_vec();
                        self.secondary.send(&[message.as_slice(), message.as_slice()].concat());
                        self.asked.push(message);
                    }
                }
                if let Some(turn) = self.secondary.poll_transmit().map(<[u8]>::to_vec) {
                    let arrived = self.carry(&turn);
                    if !arrived.is_empty() {
                        self.primary.handle_receive(self.now, &arrived);
                    }
                }
                continue;
            }
            match self.primary.deadline() {
                None => return,
                Some(deadline) => {
                    assert!(deadline >= self.now);
                    self.now = deadline;
                    self.primary.handle_timeout(deadline);
                }
            }
        }
        panic!("the stations never come to rest");
    }
}

fn bytes(length: usize) -> Vec<u8> {
    // 7E again and again, and what looks like headers.
    (0..length).map(|n| [0x7E, 0xA0, 0x07, n as u8][n % 4]).collect()
}

#[test]
fn messages_of_any_length_go_through_every_window() {
    for window in 1..=7 {
        for information in [16, 64, 128, 2030] {
            for length in [0, 1, 13, 61, 62, 63, 300, 5000] {
                let limits = Parameters::symmetric(information, window);
                let mut line = Line::new(limits, limits, |_| Fate::Arrives);
                line.primary.send(0, &bytes(length));
                line.run();
                assert_eq!(line.answers, [bytes(length).repeat(2)], "window {window}, {information} bytes");
                line.primary.close(line.now);
                line.run();
                assert_eq!(line.told, ["up", "Closed"]);
            }
        }
    }
}

#[test]
fn the_smaller_limits_hold() {
    let mut line = Line::new(Parameters::symmetric(512, 5), Parameters::symmetric(64, 2), |_| Fate::Arrives);
    line.primary.send(0, &bytes(1000));
    line.run();
    assert_eq!(line.answers.len(), 1);
    // SNRM and UA; 1003 bytes in 16 segments, one RR for each second; 2003 bytes in 32 segments, one RR between.
    assert_eq!(line.frames, 2 + 16 + 7 + 32 + 15);
}

#[test]
fn a_silent_meter_ends_in_silence_after_all_repeats() {
    let mut line = Line::new(Parameters::DEFAULT, Parameters::DEFAULT, |_| Fate::Lost);
    line.primary.send(0, b"anybody");
    line.run();
    assert_eq!((line.told, line.frames, line.now), (vec!["Silent".to_owned()], 6, 6 * S));
}

#[test]
fn a_meter_that_restarted_says_so() {
    let mut line = Line::new(Parameters::DEFAULT, Parameters::DEFAULT, |_| Fate::Arrives);
    line.primary.send(0, b"first");
    line.run();
    line.secondary.handle_power_lost();
    line.primary.send(line.now, b"second");
    line.run();
    assert_eq!(line.told, ["up", "Forgotten"]);
    line.primary.send(line.now, b"third");
    line.run();
    assert_eq!(line.answers.last().unwrap(), b"thirdthird");
}

#[test]
fn another_client_is_refused_until_the_first_lapses() {
    let mut line = Line::new(Parameters::DEFAULT, Parameters::DEFAULT, |_| Fate::Arrives);
    line.primary.send(0, b"first");
    line.run();
    let second = PrimaryConfig { client: Address::client(16).unwrap(), ..config(Parameters::DEFAULT) };
    line.primary = Primary::new(second);
    line.primary.open(line.now);
    line.run();
    assert_eq!(line.told, ["up", "Refused"]);
    line.now += 121 * S;
    line.primary.open(line.now);
    line.run();
    assert_eq!(line.told, ["up", "Refused", "up"]);
}

#[test]
fn a_busy_meter_is_asked_again_until_it_is_ready() {
    let mut line = Line::new(Parameters::DEFAULT, Parameters::DEFAULT, |_| Fate::Arrives);
    line.primary.open(0);
    line.run();
    let mut busy = Vec::new();
    let frame = |control| Frame {
        destination: client(),
        source: server(),
        control,
        poll: true,
        segmented: false,
        information: &[],
    };
    frame(Control::ReceiveNotReady { receive: 0 }).encode(&mut busy).unwrap();
    line.primary.send(0, b"hello");
    assert!(line.primary.poll_transmit().is_some());
    line.primary.handle_receive(0, &busy);
    assert_eq!(line.primary.poll_event(), None);
    assert_eq!(line.primary.poll_transmit(), None);
    assert_eq!(line.primary.deadline(), Some(S / 10));
    line.run();
    assert_eq!(line.answers, [b"hellohello"]);
}

#[test]
fn the_response_timeout_counts_from_the_end_of_the_transmission() {
    let mut primary =
        Primary::new(PrimaryConfig { baud: Some(crate::link::line::Baud(300)), ..config(Parameters::DEFAULT) });
    primary.open(0);
    let turn = primary.poll_transmit().unwrap().len();
    let on_line = turn as u64 * 10 * S / 300;
    assert_eq!(primary.deadline(), Some(on_line + S));
    primary.handle_transmitted(2 * S);
    assert_eq!(primary.deadline(), Some(3 * S));
}

#[test]
fn a_frame_that_is_coming_in_is_waited_for_but_not_for_ever() {
    let mut ua = Vec::new();
    let frame = Frame {
        destination: client(),
        source: server(),
        control: Control::UnnumberedAcknowledge,
        poll: true,
        segmented: false,
        information: &[],
    };
    frame.encode(&mut ua).unwrap();
    let mut primary = Primary::new(config(Parameters::DEFAULT));
    primary.open(0);
    assert!(primary.poll_transmit().is_some());
    primary.handle_receive(S - 1, &ua[..5]);
    assert_eq!(primary.poll_event(), None);
    primary.handle_timeout(S);
    assert_eq!(primary.poll_event(), None);
    assert_eq!(primary.poll_transmit(), None, "no repeat into the answer");
    primary.handle_receive(S + 1, &ua[5..]);
    assert_eq!(primary.poll_event(), Some(LinkEvent::Up(Parameters::DEFAULT)));
    // Bytes that never become a frame put the deadline off only once.
    primary.open(2 * S);
    assert!(primary.poll_transmit().is_some());
    let mut now = 2 * S;
    while primary.poll_transmit().is_none() {
        assert!(now < 5 * S, "waits for ever");
        primary.handle_receive(now, &ua[..5]);
        primary.handle_timeout(now);
        assert_eq!(primary.poll_event(), None);
        now += S / 10;
    }
    assert!(now > 3 * S + S / 2, "put off at least once");
}

#[test]
fn a_message_beyond_the_bound_closes_the_link() {
    let limits = Parameters::symmetric(128, 3);
    let mut line = Line::new(limits, limits, |_| Fate::Arrives);
    line.primary = Primary::new(PrimaryConfig { message_max: 100, ..config(limits) });
    line.primary.send(0, &bytes(60));
    line.run();
    assert_eq!(line.told, ["up", "Misbehaved"]);
}

#[test]
fn what_the_meter_cannot_take_is_rejected_by_name() {
    let mut secondary = Secondary::new(SecondaryConfig::new(server(), Parameters::DEFAULT));
    let mut answer = |control, information: &[u8]| {
        let mut bytes = Vec::new();
        let frame =
            Frame { destination: server(), source: client(), control, poll: true, segmented: false, information };
        frame.encode(&mut bytes).unwrap();
        secondary.handle_receive(0, &bytes);
        while secondary.poll_event().is_some() {}
        let reply = secondary.poll_transmit().unwrap().to_vec();
        let frame = Frame::decode(&reply).unwrap();
        (frame.control, frame.information.to_vec())
    };
    assert_eq!(answer(Control::ReceiveReady { receive: 0 }, &[]).0, Control::DisconnectedMode);
    assert_eq!(answer(Control::SetNormalResponseMode, &[]).0, Control::UnnumberedAcknowledge);
    assert_eq!(answer(Control::Unknown(0xEF), &[]), (Control::FrameReject, vec![0xFF, 0, 1]));
    assert_eq!(answer(Control::ReceiveReady { receive: 3 }, &[]), (Control::FrameReject, vec![0x71, 0, 8]));
    let long = Control::Information { send: 0, receive: 0 };
    assert_eq!(answer(long, &[0; 129]), (Control::FrameReject, vec![0x10, 0, 4]));
    assert_eq!(answer(Control::ReceiveReady { receive: 0 }, &[]).0, Control::ReceiveReady { receive: 0 });
}

fn address() -> impl Strategy<Value = Address> {
    prop_oneof![
        (0_u16..0x80).prop_map(|upper| Address::client(upper).unwrap()),
        (0_u16..0x80, 0_u16..0x80).prop_map(|(upper, lower)| Address::server(upper, Some(lower)).unwrap()),
        (0_u16..0x4000, 0_u16..0x4000).prop_map(|(upper, lower)| Address::server_wide(upper, lower).unwrap()),
    ]
}

fn encoded() -> impl Strategy<Value = Vec<u8>> {
    let noisy = prop_oneof![any::<u8>(), Just(0x7E_u8), Just(0xA0)];
    let information = proptest::collection::vec(noisy, 0..200);
    (address(), address(), any::<u8>(), any::<bool>(), information).prop_map(
        |(destination, source, control, segmented, information)| {
            let (control, poll) = Control::parse(control);
            let frame = Frame { destination, source, control, poll, segmented, information: &information };
            let mut bytes = Vec::new();
            frame.encode(&mut bytes).unwrap();
            assert_eq!(Frame::decode(&bytes), Ok(frame));
            bytes
        },
    )
}

fn collect(decoder: &mut Decoder, chunks: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for chunk in chunks {
        decoder.push(chunk);
        while let Some(frame) = decoder.next_frame() {
            let mut bytes = Vec::new();
            frame.encode(&mut bytes).unwrap();
            frames.push(bytes);
        }
    }
    frames
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_bit_is_enough_to_spoil_a_frame(frame in encoded(), bit in any::<proptest::sample::Index>()) {
        let mut bytes = frame;
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(Frame::decode(&bytes).is_err());
    }

    #[test]
    fn cutting_changes_nothing(
        frames in proptest::collection::vec(encoded(), 1..6),
        shared in any::<bool>(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..20),
    ) {
        let mut bytes = Vec::new();
        for frame in &frames {
            if shared && !bytes.is_empty() {
                bytes.pop();
            }
            bytes.extend_from_slice(frame);
        }
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(collect(&mut Decoder::new(), &chunks), frames);
    }

    /// After any noise and a silence, the next frame is found; and nothing is held for ever.
    #[test]
    fn noise_hides_no_frame_after_a_silence(
        noise in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0x7E_u8), Just(0xA7)], 0..400),
        truncated in encoded(),
        cut in any::<proptest::sample::Index>(),
        frame in encoded(),
    ) {
        let mut decoder = Decoder::new();
        let cut = cut.index(truncated.len());
        collect(&mut decoder, &[&noise, &truncated[..cut]]);
        decoder.give_up();
        let found = collect(&mut decoder, &[&frame]);
        prop_assert_eq!(found.last(), Some(&frame));
        prop_assert!(!decoder.in_progress());
    }

    /// Without a silence, it is found as soon as what hid it would have ended.
    #[test]
    fn noise_hides_no_frame_for_longer_than_a_frame(
        noise in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0x7E_u8), Just(0xA7)], 0..400),
        frame in encoded(),
    ) {
        let mut decoder = Decoder::new();
        let mut found = collect(&mut decoder, &[&noise, &frame]);
        found.extend(collect(&mut decoder, &[&[0; 2100]]));
        prop_assert!(found.contains(&frame));
    }

    /// Whatever is lost or damaged on the way: every message arrives whole and once, or the link says that it is down.
    #[test]
    fn losses_never_lead_astray(
        window in 1_u8..=7,
        fates in proptest::collection::vec(
            prop_oneof![4 => Just(Fate::Arrives), 1 => Just(Fate::Lost), 1 => Just(Fate::Damaged), 1 => Just(Fate::Noisy)],
            0..60,
        ),
        lengths in proptest::collection::vec(0_usize..600, 1..4),
    ) {
        let limits = Parameters::symmetric(64, window);
        let mut line = Line::new(limits, limits, move |n| fates.get(n).copied().unwrap_or(Fate::Arrives));
        for length in lengths {
            let before = line.answers.len();
            let asked = line.asked.len();
            line.primary.send(line.now, &bytes(length));
            line.run();
            if line.answers.len() > before {
                prop_assert_eq!(&line.answers[before..], &[bytes(length).repeat(2)]);
                prop_assert_eq!(&line.asked[asked..], &[bytes(length)]);
            } else {
                prop_assert!(matches!(line.told.last().map(String::as_str), Some("Silent" | "Forgotten")), "{:?}", line.told);
            }
        }
        // Once the line is sound, a fresh link works.
        line.fate = Box::new(|_| Fate::Arrives);
        let before = line.answers.len();
        line.primary.abandon();
        line.primary.send(line.now, b"sound");
        line.run();
        prop_assert_eq!(&line.answers[before..], &[b"soundsound".to_vec()]);
    }

    #[test]
    fn random_bytes_harm_neither_station(chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..100), 0..8)) {
        let mut primary = Primary::new(config(Parameters::DEFAULT));
        let mut secondary = Secondary::new(SecondaryConfig::new(server(), Parameters::DEFAULT));
        primary.send(0, b"hello");
        for chunk in &chunks {
            primary.handle_receive(0, chunk);
            secondary.handle_receive(0, chunk);
            while primary.poll_event().is_some() {}
            while secondary.poll_event().is_some() {}
        }
        prop_assert!(primary.heap_bytes() < 10_000);
    }
}

/// Sabotage of the property above: it is the frame check sequence that keeps damage out. Mended, the damage is believed.
#[test]
fn a_mended_check_sequence_is_believed() {
    let information = [0xE6, 0xE7, 0, 0xC4, 1];
    let frame = Frame {
        destination: client(),
        source: server(),
        control: Control::Information { send: 0, receive: 0 },
        poll: true,
        segmented: false,
        information: &information,
    };
    let mut bytes = Vec::new();
    frame.encode(&mut bytes).unwrap();
    let last = bytes.len() - 4;
    bytes[last] ^= 1;
    assert_eq!(Frame::decode(&bytes), Err(FrameFault::FrameCheck));
    let check = check_sequence(&bytes[1..=last]).to_le_bytes();
    bytes[last + 1..last + 3].copy_from_slice(&check);
    assert_eq!(Frame::decode(&bytes).unwrap().information[4], 0);
}

/// A frame lost in the middle of a window: the one after it is rejected by name, and what was lost comes again, in both
/// directions, whoever knows REJ.
#[test]
fn a_gap_is_rejected_where_both_know_how() {
    let limits = Parameters::symmetric(64, 5);
    for (ours, theirs) in [(true, true), (true, false), (false, true)] {
        // Frames 0 and 1 open the link; the loss falls into the request, then into the answer.
        for lost in [3, 4, 9, 10, 11] {
            let mut line =
                Line::new(limits, limits, move |frame| if frame == lost { Fate::Lost } else { Fate::Arrives });
            line.primary.set_rejects(ours);
            let config = SecondaryConfig { rejects: theirs, ..SecondaryConfig::new(server(), limits) };
            line.secondary = Secondary::new(config);
            let message = vec![7; 250];
            line.primary.send(0, &message);
            line.run();
            assert_eq!((line.asked.len(), line.answers.len()), (1, 1), "{ours} {theirs} {lost}");
            assert_eq!(line.answers[0], [message.as_slice(), message.as_slice()].concat());
            let rejected = line.rejected.iter().filter(|from_meter| **from_meter == (lost < 8)).count();
            // Sabotage: who does not know it does not say it.
            let knows = if lost < 8 { theirs } else { ours };
            assert!(rejected == line.rejected.len() && (rejected > 0) <= knows, "{ours} {theirs} {lost}: {rejected}");
        }
    }
    let rejections = |rejects: bool| {
        let mut line = Line::new(limits, limits, |frame| if frame == 3 { Fate::Lost } else { Fate::Arrives });
        line.secondary = Secondary::new(SecondaryConfig { rejects, ..SecondaryConfig::new(server(), limits) });
        line.primary.send(0, &[7; 250]);
        line.run();
        line.rejected.len()
    };
    assert_eq!((rejections(true), rejections(false)), (1, 0));
}
