//! Kinds `hdlc_frame` and `iec_mode_e`, and transcripts over HDLC.

use taa_dlms::link::hdlc::{
    Address, Control, Decoder, Frame, LinkEvent, Parameters, Primary, PrimaryConfig, Secondary, SecondaryConfig,
    StationEvent, check_sequence, llc,
};
use taa_dlms::link::iec21::{Identification, OptionSelect, parse_request, put_request};
use taa_dlms::link::wrapper::{self, Addresses};
use taa_vectors::Failed;
use taa_vectors::Json;

use crate::{field, hex, same};

/// Question and answer.
type Exchange = (Vec<u8>, Vec<u8>);

/// One frame: both ways, its fields, and its message where it holds a whole one.
pub(crate) fn frame(case: &Json) -> Result<(), Failed> {
    let bytes = hex(field(case, "hex")?)?;
    if case["valid"] == false {
        let mut decoder = Decoder::new();
        decoder.push(&bytes);
        return match (Frame::decode(&bytes), decoder.next_frame()) {
            (Err(_), None) => Ok(()),
            (decoded, found) => Err(format!("taken although not valid: {decoded:?}, {found:?}").into()),
        };
    }
    let frame = Frame::decode(&bytes)?;
    let mut encoded = Vec::new();
    frame.encode(&mut encoded)?;
    same("frame", &encoded, &bytes)?;
    for chunk in [1, 2, 5, bytes.len()] {
        let mut decoder = Decoder::new();
        let mut found = 0;
        for piece in bytes.chunks(chunk) {
            decoder.push(piece);
            while let Some(got) = decoder.next_frame() {
                found += usize::from(got == frame);
            }
        }
        if found != 1 {
            return Err(format!("found {found} times in pieces of {chunk}").into());
        }
    }
    let listed = |name: &str| case[name].as_str().map(hex).transpose();
    let address = |address: Address| {
        let mut out = Vec::new();
        address.encode(&mut out);
        out
    };
    let content = &bytes[1..bytes.len() - 3];
    let header = content.len() - frame.information.len() - if frame.information.is_empty() { 0 } else { 2 };
    for (name, got) in [
        ("destination", address(frame.destination)),
        ("sourceaddr", address(frame.source)),
        ("information", frame.information.to_vec()),
        ("hcs", check_sequence(&content[..header]).to_le_bytes().to_vec()),
        ("fcs", check_sequence(content).to_le_bytes().to_vec()),
    ] {
        if let Some(expected) = listed(name)? {
            same(name, &got, &expected)?;
        }
    }
    if case["control"].as_u64().is_some_and(|control| u64::from(frame.control.byte(frame.poll)) != control) {
        return Err(format!("control {:?}", frame.control).into());
    }
    if case["segmented"].as_bool().is_some_and(|segmented| segmented != frame.segmented) {
        return Err("segmentation bit".into());
    }
    if matches!(frame.control, Control::SetNormalResponseMode | Control::UnnumberedAcknowledge) {
        parameters(&frame)?;
    }
    Ok(())
}

/// What is said about limits can be read, and said again with the same meaning.
fn parameters(frame: &Frame<'_>) -> Result<(), Failed> {
    let read = Parameters::decode(frame.information)?;
    let mut again = Vec::new();
    match frame.control {
        Control::UnnumberedAcknowledge => read.encode_answer(&mut again),
        _ => read.encode_proposal(&mut again),
    }
    if Parameters::decode(&again)? == read { Ok(()) } else { Err("parameters change".into()) }
}

/// One message of the opening: both ways.
pub(crate) fn opening(case: &Json) -> Result<(), Failed> {
    let bytes = hex(field(case, "hex")?)?;
    let mut encoded = Vec::new();
    if let Some(address) = parse_request(&bytes) {
        put_request(&address, &mut encoded);
    } else if let Some(identification) = Identification::parse(&bytes) {
        identification.encode(&mut encoded);
    } else if let Some(select) = OptionSelect::parse(&bytes) {
        encoded.extend_from_slice(&select.encode());
    } else if bytes.first() == Some(&0x7E) {
        // After the hand-over.
        return frame(case);
    } else {
        return Err("not a message of the opening".into());
    }
    same("message", &encoded, &bytes)
}

/// Holds both ends of a recorded conversation to the byte, and gives its messages as wrapper frames, question and
/// answer in turn.
pub(crate) fn conversation(case: &Json) -> Result<Vec<Exchange>, Failed> {
    let messages = case["messages"].as_array().ok_or("no messages")?;
    let recorded: Vec<(bool, Vec<u8>)> = messages
        .iter()
        .map(|side| Ok((side[0] == "c", hex(side[1].as_str().unwrap_or("x"))?)))
        .collect::<Result<_, Failed>>()?;
    let opening = |control| {
        recorded.iter().find_map(|(_, bytes)| Frame::decode(bytes).ok().filter(|frame| frame.control == control))
    };
    let snrm = opening(Control::SetNormalResponseMode).ok_or("no SNRM")?;
    let ua = opening(Control::UnnumberedAcknowledge).ok_or("no UA")?;
    let whole = messages_of(&recorded)?;
    let mut primary = Primary::new(PrimaryConfig {
        client: snrm.source,
        server: snrm.destination,
        proposal: Parameters::decode(snrm.information)?,
        response_timeout_ns: 1,
        inter_octet_timeout_ns: 1,
        retries: 0,
        busy_pause_ns: 1,
        message_max: 65_535,
        baud: None,
    });
    let mut secondary = Secondary::new(SecondaryConfig::new(snrm.destination, Parameters::decode(ua.information)?));
    let mut questions = whole.iter();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    primary.open(0);
    // Each side hears what was recorded of the other, never what ours says: both must say the same.
    for (from_client, bytes) in &recorded {
        if *from_client {
            if primary.deadline().is_none() {
                match questions.next() {
                    Some((question, _)) => primary.send(0, question),
                    None => primary.close(0),
                }
            }
            same_turn("client's turn", primary.poll_transmit().unwrap_or(&[]), bytes, &mut [&mut ours, &mut theirs])?;
            secondary.handle_receive(0, bytes);
            while let Some(event) = secondary.poll_event() {
                if let StationEvent::Message { message, .. } = event {
                    let (_, answer) =
                        whole.iter().find(|(question, _)| question == message).ok_or("an unknown question")?;
                    secondary.send(answer);
                }
            }
        } else {
            same("meter's turn", secondary.poll_transmit().unwrap_or(&[]), bytes)?;
            primary.handle_receive(0, bytes);
            while let Some(event) = primary.poll_event() {
                if let LinkEvent::Message(message) = event {
                    if !whole.iter().any(|(_, answer)| answer == message) {
                        return Err("an unknown answer".into());
                    }
                    primary.stop_asking();
                }
            }
        }
    }
    same("client's messages", &ours, &theirs)?;
    if !primary.is_closed() || secondary.client().is_some() {
        return Err("the link is still open".into());
    }
    let addresses = Addresses { source: snrm.source.upper(), destination: snrm.destination.upper() };
    let wrapped = |addresses, message: &[u8]| {
        let mut frame = Vec::new();
        wrapper::begin(&mut frame);
        frame.extend_from_slice(message);
        wrapper::finish(&mut frame, addresses).map(|()| frame)
    };
    whole
        .into_iter()
        .map(|(question, answer)| Ok((wrapped(addresses, &question)?, wrapped(addresses.reversed(), &answer)?)))
        .collect()
}

/// The same frames. Some clients cut their messages shorter than they may: what numbered frames carry is gathered, to
/// be compared as a whole.
fn same_turn(what: &str, got: &[u8], expected: &[u8], carried: &mut [&mut Vec<u8>; 2]) -> Result<(), Failed> {
    let mut turns = [Vec::new(), Vec::new()];
    for ((turn, bytes), carried) in turns.iter_mut().zip([got, expected]).zip(carried) {
        let mut decoder = Decoder::new();
        decoder.push(bytes);
        while let Some(mut frame) = decoder.next_frame() {
            if let Control::Information { .. } = frame.control {
                carried.extend_from_slice(frame.information);
                frame.information = &[0];
            }
            frame.encode(turn)?;
        }
    }
    let [got, expected] = turns;
    same(what, &got, &expected)
}

/// The messages, put together from their segments.
fn messages_of(recorded: &[(bool, Vec<u8>)]) -> Result<Vec<Exchange>, Failed> {
    let mut whole: Vec<(bool, Vec<u8>)> = Vec::new();
    let mut partial = Vec::new();
    for (from_client, bytes) in recorded {
        let mut decoder = Decoder::new();
        decoder.push(bytes);
        while let Some(frame) = decoder.next_frame() {
            if let Control::Information { .. } = frame.control {
                partial.extend_from_slice(frame.information);
                if !frame.segmented {
                    let information = std::mem::take(&mut partial);
                    whole.push((*from_client, llc::open(&information).ok_or("no LLC header")?.to_vec()));
                }
            }
        }
    }
    let pairs = whole.chunks(2).map(|pair| match pair {
        [(true, question), (false, answer)] => Ok((question.clone(), answer.clone())),
        _ => Err(Failed::from("not question and answer in turn")),
    });
    pairs.collect()
}
