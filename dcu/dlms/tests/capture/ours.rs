//! What we say of a frame, in the words of [`crate::pdml::lines`], as far as the dissector looks; and where it errs.

use taa_dlms::Value;
use taa_dlms::apdu::{
    Aare, Aarq, AccessItem, ActionRequest, ActionResponse, Apdu, ApplicationContext, AssociationResult, AttributeRef,
    Diagnostic, GetRequest, GetResponse, InitiateRequest, InitiateResponse, InvokeId, LongInvokeId, MethodRef,
    Selection, SetRequest, SetResponse,
};
use taa_dlms::axdr::{DateTime, decode_all};
use taa_dlms::link::hdlc::{Control, Frame, llc};
use taa_dlms::link::wrapper;

/// What tshark 4.6 says wrongly, with the evidence. What it leaves out is not listed: lists, answers to SET and ACTION
/// with lists, DataNotification, short names, the content of general blocks and of what is protected.
pub const FAULTS: [(Fault, &str); 7] = [
    (Fault::Title, "an AP title (A6 0A 04 08 …) is an octet string, form 2; it is read as a directory name, malformed"),
    (Fault::Selection, "the flag before an optional selection is shown as the selector, and the selector read as data"),
    (Fault::LastBlockNumber, "SET response of the last block: the number is read from the byte of the result on"),
    (Fault::Outcomes, "ACCESS response: each outcome takes two bytes, and is read one byte after the one before"),
    (Fault::Signed64, "long64 is shown without its sign"),
    (Fault::ListBlocks, "blocks of a SET with list are put together without their first, and read as one value"),
    (Fault::TwoByteAddress, "HDLC: a server address of two or four bytes shifts everything behind it"),
];

/// One of [`FAULTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    Title,
    Selection,
    LastBlockNumber,
    Outcomes,
    Signed64,
    ListBlocks,
    TwoByteAddress,
}

/// What is expected of one packet.
#[derive(Debug, Default)]
pub struct Expected {
    pub lines: Vec<String>,
    /// Faults that show in it.
    pub faults: Vec<Fault>,
    /// The dissector's lines begin like ours; what follows is spoilt by a fault.
    pub spoilt: bool,
}

/// Reads the frames of one dialogue in order.
#[derive(Default)]
pub struct Reader {
    blocks: Vec<u8>,
    list: bool,
    segments: Vec<u8>,
}

impl Expected {
    fn put(&mut self, word: &str, value: impl std::fmt::Display) {
        self.lines.push(format!("{word} {value}"));
    }

    fn flag(&mut self, word: &str, value: bool) {
        self.put(word, if value { "True" } else { "False" });
    }

    fn head(&mut self, choice: u8, invoke: InvokeId) {
        self.put("choice", choice);
        self.put("invoke", invoke.number());
        self.flag("confirmed", invoke.is_confirmed());
        self.flag("priority", invoke.0 & 0x80 != 0);
    }

    fn long_head(&mut self, invoke: LongInvokeId, date_time: &[u8]) {
        self.put("invoke", invoke.number());
        self.put("self-descriptive", u8::from(invoke.0 & (1 << 28) != 0));
        self.flag("confirmed", invoke.is_confirmed());
        self.flag("priority", invoke.0 & (1 << 31) != 0);
        assert!(date_time.is_empty(), "no dialogue here stamps its ACCESS");
        self.lines.push("time ".to_owned());
    }

    fn attribute(&mut self, attribute: AttributeRef) {
        self.put("class", attribute.class);
        self.put("obis", attribute.obis);
        self.put("attribute", attribute.attribute);
    }

    fn method(&mut self, method: MethodRef) {
        self.put("class", method.class);
        self.put("obis", method.obis);
        self.put("method", method.method);
    }

    fn selection(&mut self, selection: Option<Selection<'_>>) {
        self.put("selector", u8::from(selection.is_some()));
        if selection.is_some() {
            self.faults.push(Fault::Selection);
            self.spoilt = true;
        }
    }

    fn encoded(&mut self, bytes: &[u8]) {
        self.value(&decode_all(bytes).expect("our own value"));
    }

    fn value(&mut self, value: &Value) {
        let text = match value {
            Value::Null => "Null".to_owned(),
            Value::Bool(value) => format!("Boolean: {value}"),
            Value::BitString(bits) => format!("Bit-string (bits: {}, bytes: {}):", bits.len(), bits.len().div_ceil(8)),
            Value::I32(value) => format!("Double Long: {value}"),
            Value::U32(value) => format!("Double Long Unsigned: {value}"),
            Value::OctetString(octets) if octets.len() == 12 => {
                format!("Octet String (length 12) {}", stamp(&value.date_time().expect("all of twelve are stamps")))
            }
            Value::OctetString(octets) => format!("Octet String (length {})", octets.len()),
            Value::VisibleString(octets) => format!("Visible String (length {})", octets.len()),
            Value::I8(value) => format!("Integer: {value}"),
            Value::I16(value) => format!("Long: {value}"),
            Value::U8(value) => format!("Unsigned: {value}"),
            Value::U16(value) => format!("Long Unsigned: {value}"),
            Value::I64(value) => {
                self.faults.push(Fault::Signed64);
                format!("Long64: {}", value.cast_unsigned())
            }
            Value::U64(value) => format!("Long64 Unsigned: {value}"),
            Value::Enum(value) => format!("Enum: {value}"),
            Value::Array(elements) => format!("Array ({} elements)", elements.len()),
            Value::Structure(_) => "Structure".to_owned(),
            other => panic!("no dialogue here carries {other:?}"),
        };
        self.put("data", text);
        for element in value.elements().unwrap_or(&[]) {
            self.value(element);
        }
    }

    /// A piece of a long value: its length; and with the last one the whole, if the dissector has all of it.
    fn piece(&mut self, reader: &mut Reader, last: bool, number: u32, raw: &[u8]) {
        self.flag("last", last);
        self.put("block", number);
        self.put("data", format!("Data (length {})", raw.len()));
        reader.blocks.extend_from_slice(raw);
        if last {
            let whole = std::mem::take(&mut reader.blocks);
            if std::mem::take(&mut reader.list) {
                self.faults.push(Fault::ListBlocks);
                self.spoilt = true;
            } else {
                self.encoded(&whole);
            }
        }
    }
}

fn stamp(stamp: &DateTime) -> String {
    let (date, time) = (stamp.date, stamp.time);
    format!(
        "({:04}/{:02}/{:02} {:02}:{:02}:{:02}.{:02})",
        date.year, date.month, date.day_of_month, time.hour, time.minute, time.second, time.hundredths
    )
}

impl Reader {
    /// A frame of the wrapper, or of HDLC.
    pub fn frame(&mut self, bytes: &[u8]) -> Expected {
        let mut expected = Expected::default();
        if bytes.first() == Some(&0x7E) {
            self.hdlc(&mut expected, &Frame::decode(bytes).expect("our own frame"), bytes.len());
        } else {
            let (_, message) = wrapper::open(bytes).expect("our own frame");
            self.message(&mut expected, message);
        }
        expected
    }

    fn hdlc(&mut self, expected: &mut Expected, frame: &Frame<'_>, bytes: usize) {
        expected.put("segmented", u8::from(frame.segmented));
        expected.put("hdlc-length", bytes - 2);
        let wide = frame.destination.width() > 1 || frame.source.width() > 1;
        if wide {
            expected.faults.push(Fault::TwoByteAddress);
            expected.spoilt = true;
            return;
        }
        expected.put("address", frame.destination.upper());
        expected.put("address", frame.source.upper());
        let poll = u8::from(frame.poll);
        match frame.control {
            Control::Information { send, receive } => {
                expected.put("poll", poll);
                expected.put("n(r)", receive);
                expected.put("n(s)", send);
            }
            Control::ReceiveReady { receive } => {
                expected.put("frame", 1);
                expected.put("poll", poll);
                expected.put("n(r)", receive);
            }
            other => {
                expected.put("frame", other.byte(false));
                expected.put("poll", poll);
                return;
            }
        }
        self.segments.extend_from_slice(frame.information);
        if !frame.segmented && !frame.information.is_empty() {
            let whole = std::mem::take(&mut self.segments);
            self.message(expected, llc::open(&whole).expect("an LLC header"));
        }
    }

    fn message(&mut self, expected: &mut Expected, message: &[u8]) {
        expected.put("apdu", message[0]);
        // Protected: the dissector has no keys; DataNotification, short names and general blocks it names, no more.
        let Ok(apdu) = Apdu::decode(message) else { return };
        match apdu {
            Apdu::Aarq(aarq) => aarq_lines(expected, &aarq),
            Apdu::Aare(aare) => aare_lines(expected, &aare),
            Apdu::GetRequest(get) => get_request(expected, &get),
            Apdu::GetResponse(get) => self.get_response(expected, &get),
            Apdu::SetRequest(set) => self.set_request(expected, &set),
            Apdu::SetResponse(set) => set_response(expected, &set),
            Apdu::ActionRequest(action) => action_request(expected, &action),
            Apdu::ActionResponse(action) => action_response(expected, &action),
            Apdu::AccessRequest(access) => {
                expected.long_head(access.invoke, access.date_time);
                for item in access.items.iter() {
                    match item {
                        AccessItem::Get(attribute) => {
                            expected.put("item", 1);
                            expected.attribute(attribute);
                        }
                        AccessItem::Set(attribute) => {
                            expected.put("item", 2);
                            expected.attribute(attribute);
                        }
                        AccessItem::Action(method) => {
                            expected.put("item", 3);
                            expected.method(method);
                        }
                        other => panic!("no dialogue here asks for {other:?}"),
                    }
                }
                access.data.iter().for_each(|value| expected.encoded(value));
            }
            Apdu::AccessResponse(access) => {
                expected.long_head(access.invoke, access.date_time);
                access.data.iter().for_each(|value| expected.encoded(value));
                let mut bytes = Vec::new();
                access.outcomes.encode(&mut bytes);
                if access.outcomes.len() > 1 {
                    expected.faults.push(Fault::Outcomes);
                }
                for pair in bytes[1..].windows(2).take(access.outcomes.len()) {
                    expected.put("item", pair[0]);
                    expected.put("result", pair[1]);
                }
            }
            Apdu::EventNotification(event) => {
                expected.attribute(event.attribute);
                expected.encoded(event.value);
            }
            Apdu::ExceptionResponse(_) => {
                expected.put("state-error", message[1]);
                expected.put("service-error", message[2]);
            }
            _ => {}
        }
    }

    fn get_response(&mut self, expected: &mut Expected, get: &GetResponse<'_>) {
        match get {
            GetResponse::Normal { invoke, result } => {
                expected.head(1, *invoke);
                match result {
                    Ok(value) => expected.encoded(value),
                    Err(error) => expected.put("result", error.code()),
                }
            }
            GetResponse::Block { invoke, last, number, result } => {
                expected.head(2, *invoke);
                expected.piece(self, *last, *number, result.expect("no block is refused here"));
            }
            GetResponse::WithList { invoke, .. } => expected.head(3, *invoke),
        }
    }

    fn set_request(&mut self, expected: &mut Expected, set: &SetRequest<'_>) {
        match set {
            SetRequest::Normal { invoke, attribute, selection, value } => {
                expected.head(1, *invoke);
                expected.attribute(*attribute);
                expected.selection(*selection);
                expected.encoded(value);
            }
            SetRequest::FirstBlock { invoke, attribute, selection, block } => {
                expected.head(2, *invoke);
                expected.attribute(*attribute);
                expected.selection(*selection);
                expected.piece(self, block.last, block.number, block.raw);
            }
            SetRequest::NextBlock { invoke, block } => {
                expected.head(3, *invoke);
                expected.piece(self, block.last, block.number, block.raw);
            }
            SetRequest::WithList { invoke, .. } => expected.head(4, *invoke),
            SetRequest::ListFirstBlock { invoke, .. } => {
                expected.head(5, *invoke);
                self.list = true;
            }
        }
    }
}

fn aarq_lines(expected: &mut Expected, aarq: &Aarq<'_>) {
    expected.put("context", format!("2.16.756.5.8.1.{}", context(aarq.context)));
    if aarq.calling_title.is_some() {
        expected.faults.push(Fault::Title);
        expected.spoilt = true;
        return;
    }
    if let Some(mechanism) = aarq.mechanism {
        expected.put("mechanism", format!("2.16.756.5.8.2.{}", mechanism.number()));
    }
    let initiate = InitiateRequest::decode(aarq.user_information.expect("ours has it")).expect("plain");
    expected.put("apdu", 1);
    terms(expected, initiate.conformance.to_bytes(), initiate.pdu_max);
}

fn aare_lines(expected: &mut Expected, aare: &Aare<'_>) {
    expected.put("context", format!("2.16.756.5.8.1.{}", context(aare.context)));
    expected.put("association-result", u8::from(aare.result != AssociationResult::Accepted));
    let Diagnostic::User(diagnostic) = aare.diagnostic else { panic!("{:?}", aare.diagnostic) };
    expected.put("diagnostic", diagnostic);
    if aare.responding_title.is_some() {
        expected.faults.push(Fault::Title);
        expected.spoilt = true;
        return;
    }
    let Some(information) = aare.user_information else { return };
    let initiate = InitiateResponse::decode(information).expect("plain");
    expected.put("apdu", 8);
    terms(expected, initiate.conformance.to_bytes(), initiate.pdu_max);
}

fn context(context: ApplicationContext) -> u8 {
    match context {
        ApplicationContext::Ln => 1,
        ApplicationContext::Sn => 2,
        ApplicationContext::LnCiphered => 3,
        ApplicationContext::SnCiphered => 4,
        other => panic!("{other:?}"),
    }
}

fn terms(expected: &mut Expected, [a, b, c]: [u8; 3], pdu_max: u16) {
    expected.put("conformance", format!("{a:02x}:{b:02x}:{c:02x}"));
    expected.put("pdu-max", pdu_max);
}

fn get_request(expected: &mut Expected, get: &GetRequest<'_>) {
    match get {
        GetRequest::Normal { invoke, attribute, selection } => {
            expected.head(1, *invoke);
            expected.attribute(*attribute);
            expected.selection(*selection);
        }
        GetRequest::Next { invoke, block } => {
            expected.head(2, *invoke);
            expected.put("block", block);
        }
        GetRequest::WithList { invoke, .. } => expected.head(3, *invoke),
    }
}

fn set_response(expected: &mut Expected, set: &SetResponse<'_>) {
    match set {
        SetResponse::Normal { invoke, result } => {
            expected.head(1, *invoke);
            expected.put("result", result.code());
        }
        SetResponse::Block { invoke, number } => {
            expected.head(2, *invoke);
            expected.put("block", number);
        }
        SetResponse::LastBlock { invoke, result, number } => {
            expected.head(3, *invoke);
            expected.put("result", result.code());
            expected.faults.push(Fault::LastBlockNumber);
            expected.put("block", u32::from(result.code()) << 24 | number >> 8);
        }
        SetResponse::ListLastBlock { invoke, .. } => expected.head(4, *invoke),
        SetResponse::WithList { invoke, .. } => expected.head(5, *invoke),
    }
}

fn action_request(expected: &mut Expected, action: &ActionRequest<'_>) {
    match action {
        ActionRequest::Normal { invoke, method, parameter } => {
            expected.head(1, *invoke);
            expected.method(*method);
            if let Some(parameter) = parameter {
                expected.encoded(parameter);
            }
        }
        ActionRequest::NextBlock { invoke, .. } => expected.head(2, *invoke),
        ActionRequest::WithList { invoke, .. } => expected.head(3, *invoke),
        ActionRequest::FirstBlock { invoke, .. } => expected.head(4, *invoke),
        ActionRequest::ListFirstBlock { invoke, .. } => expected.head(5, *invoke),
        ActionRequest::Block { invoke, .. } => expected.head(6, *invoke),
    }
}

fn action_response(expected: &mut Expected, action: &ActionResponse<'_>) {
    match action {
        ActionResponse::Normal { invoke, result } => {
            expected.head(1, *invoke);
            expected.put("action-result", result.result.code());
        }
        ActionResponse::Block { invoke, .. } => expected.head(2, *invoke),
        ActionResponse::WithList { invoke, .. } => expected.head(3, *invoke),
        ActionResponse::NextBlock { invoke, .. } => expected.head(4, *invoke),
    }
}
