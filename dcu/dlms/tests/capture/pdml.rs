//! What tshark says of each packet, from its PDML: names of fields with what it shows, in order.

/// One field of one packet.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub name: String,
    /// As a person reads it: `Class Id: register (3)`.
    pub shown: String,
    /// As a filter takes it: `3`.
    pub value: String,
}

/// The fields of each packet from the protocol `dlms` on.
pub fn packets(text: &str) -> Vec<Vec<Field>> {
    let mut packets = Vec::new();
    for packet in text.split("<packet>").skip(1) {
        let from = packet.find("<proto name=\"dlms\"").unwrap_or(packet.len());
        let tags = packet[from..].split('<').filter(|tag| tag.starts_with("field ") || tag.starts_with("proto "));
        packets.push(tags.map(field).collect());
    }
    packets
}

fn field(tag: &str) -> Field {
    let of = |name: &str| attribute(tag, name).unwrap_or_default();
    Field { name: of("name"), shown: of("showname"), value: of("show") }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    Some(plain.iter().fold(value.to_owned(), |value, (code, char)| value.replace(code, char)))
}

/// Complaints: malformed packets, and what the dissector warns of. That it does not know a class is none.
pub fn complaints(packet: &[Field]) -> Vec<&str> {
    let complaint = |field: &&Field| {
        field.name == "_ws.malformed" || (field.name == "_ws.expert" && !field.shown.contains("Not implemented"))
    };
    packet.iter().filter(complaint).map(|field| field.shown.as_str()).collect()
}

/// What is compared, one line each.
pub fn lines(packet: &[Field]) -> Vec<String> {
    packet.iter().filter_map(line).collect()
}

fn line(field: &Field) -> Option<String> {
    // The number in the last parentheses: what stands before is the dissector's name for it.
    let numbered = || field.shown.rsplit_once('(').map(|(_, number)| number.trim_end_matches(')').to_owned());
    let value = || Some(field.value.clone());
    let (word, value) = match field.name.as_str() {
        "dlms.apdu" => ("apdu", value()),
        "dlms.get_request"
        | "dlms.get_response"
        | "dlms.set_request"
        | "dlms.set_response"
        | "dlms.action_request"
        | "dlms.action_response" => ("choice", value()),
        "dlms.access_request" | "dlms.access_response" => ("item", value()),
        "dlms.invoke_id" | "dlms.long_invoke_id" => ("invoke", value()),
        "dlms.service_class" => ("confirmed", value()),
        "dlms.priority" => ("priority", value()),
        "dlms.self_descriptive" => ("self-descriptive", value()),
        "dlms.class_id" => ("class", numbered()),
        "dlms.instance_id" => ("obis", numbered()),
        "dlms.attribute_id" => ("attribute", numbered()),
        "dlms.method_id" => ("method", value()),
        "dlms.access_selector" => ("selector", value()),
        "dlms.data_access_result" => ("result", value()),
        "dlms.action_result" => ("action-result", value()),
        "dlms.block_number" => ("block", value()),
        "dlms.last_block" => ("last", value()),
        "dlms.state_error" => ("state-error", value()),
        "dlms.service_error" => ("service-error", value()),
        "dlms.data" => ("data", Some(bare(&field.shown))),
        "dlms.date_time" => ("time", Some(field.shown.replace("Date-Time", "").trim().to_owned())),
        "cosem.application_context_name" | "cosem.aSO_context_name" => ("context", value()),
        "cosem.mechanism_name" => ("mechanism", value()),
        "cosem.result" => ("association-result", value()),
        "cosem.acse_service_user" => ("diagnostic", value()),
        "cosem.Conformance" => ("conformance", value()),
        "dlms.client_max_receive_pdu_size" | "dlms.server_max_receive_pdu_size" => ("pdu-max", value()),
        "cosem.ap_title_form2" => ("title", value()),
        "dlms.hdlc.length" => ("hdlc-length", value()),
        "dlms.hdlc.segmentation" => ("segmented", value()),
        "dlms.hdlc.address" => ("address", value()),
        "dlms.hdlc.pf" => ("poll", value()),
        "dlms.hdlc.rsn" => ("n(r)", value()),
        "dlms.hdlc.ssn" => ("n(s)", value()),
        "dlms.hdlc.frame_rr_or_rnr" | "dlms.hdlc.frame_other" => ("frame", value()),
        _ => return None,
    };
    Some(format!("{word} {}", value?))
}

/// Without the number of the element in its list.
fn bare(shown: &str) -> String {
    match shown.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => rest.to_owned(),
        _ => shown.to_owned(),
    }
}
