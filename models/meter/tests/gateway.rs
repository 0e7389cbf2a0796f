//! The token gateway (class 115): tokens from afar, beside those that are typed in.

mod common;

use common::vendor::*;
use common::*;
use taa_dlms::axdr::Octets;
use taa_dlms::client::Client;
use taa_dlms::cosem::{Cosem, TokenDelivery, TokenGateway, TokenStatus, TokenStatusCode, data};
use taa_dlms::{AttributeRef, Value, obis};
use taa_meter::{Counts, Keyed, Meter, MeterConfig, StsConfig};

const MONEY: Counts = Counts::Money { minor_per_unit: 100 };

const fn at(attribute: i8) -> AttributeRef {
    AttributeRef::new(TokenGateway::CLASS, obis::TOKEN_GATEWAY, attribute)
}

fn enter(client: &mut Client, meter: &mut Meter, token: &[u8]) -> Vec<Told> {
    let call = TokenGateway::enter(obis::TOKEN_GATEWAY, Octets::from(token));
    client.invoke(0, call.method, Some(&call.parameter)).unwrap();
    run(client, meter, 0)
}

fn status(client: &mut Client, meter: &mut Meter) -> (TokenStatusCode, u8, TokenDelivery) {
    let values = read(client, meter, 0, &[at(6), at(5)]);
    let [Ok(status), Ok(by)] = values.as_slice() else { panic!("{values:?}") };
    let TokenStatus { status_code, data_value } = TokenStatus::from_value(status).unwrap();
    let detail = (0..8).fold(0, |byte, n| byte << 1 | u8::from(data_value.bit(n) == Some(true)));
    (status_code, detail, TokenDelivery::from_value(by).unwrap())
}

#[test]
fn a_token_from_afar_counts_once_in_either_form_and_beside_written_credit() {
    let mut meter = energised(MeterConfig { sts: Some(sts(MONEY)), ..prepaid() });
    let mut client = client_of(&mut meter, 0);
    let token = money(1000, 12_000);
    assert_eq!(enter(&mut client, &mut meter, token.as_bytes()), [Told::Done]);
    assert_eq!(status(&mut client, &mut meter), (TokenStatusCode::ExecutionOk, 0, TokenDelivery::Remote));
    assert!(meter.lit());
    let packed: Vec<u8> = token.as_bytes().chunks(2).map(|two| (two[0] & 15) << 4 | (two[1] & 15)).collect();
    assert_eq!(enter(&mut client, &mut meter, &packed), [Told::Done]);
    assert_eq!(status(&mut client, &mut meter), (TokenStatusCode::ValidationFailure, 2, TokenDelivery::Remote));
    // Written credit is a running total of its own: an old one takes nothing of the token away.
    for total in [100, 100, 50] {
        client.write(0, TOTAL, &Value::I64(total)).unwrap();
        run(&mut client, &mut meter, 0);
    }
    let tokens = AttributeRef::new(data::CLASS, obis::CREDIT_TOKENS, data::VALUE);
    let values = read(&mut client, &mut meter, 0, &[TOTAL, tokens, BALANCE]);
    assert_eq!(values, [Ok(Value::I64(100)), Ok(Value::I64(12_000)), Ok(Value::I64(112))]);
}

#[test]
fn a_broken_gateway_refuses_and_shows_nothing_and_the_keypad_goes_on() {
    let mut meter = energised(MeterConfig { sts: Some(sts(MONEY)), ..prepaid() });
    let mut client = client_of(&mut meter, 0);
    let token = money(1000, 12_000);
    meter.handle_gateway_fault(true);
    assert!(matches!(enter(&mut client, &mut meter, token.as_bytes())[..], [Told::Failed(_)]));
    assert_eq!(read(&mut client, &mut meter, 0, &[at(2)]), [Ok(Octets::default().to_value())]);
    assert_eq!(meter.credit_tokens_u(), 0);
    assert!(meter.handle_keypad_digits(0, &token).is_done());
    meter.handle_gateway_fault(false);
    assert_eq!(enter(&mut client, &mut meter, token.as_bytes()), [Told::Done]);
    assert_eq!(status(&mut client, &mut meter).0, TokenStatusCode::ValidationFailure);
    assert_eq!(meter.credit_tokens_u(), 12_000);
}

#[test]
fn what_was_typed_in_shows_at_the_gateway_too() {
    let mut meter = energised(MeterConfig { sts: Some(sts(MONEY)), ..prepaid() });
    let mut client = client_of(&mut meter, 0);
    let mut wrong = money(1000, 12_000);
    wrong.replace_range(..1, if wrong.starts_with('0') { "1" } else { "0" });
    assert!(matches!(meter.handle_keypad_digits(0, &wrong), Keyed::Refused(_)));
    assert_eq!(status(&mut client, &mut meter), (TokenStatusCode::AuthenticationFailure, 0, TokenDelivery::Manual));
    let values = read(&mut client, &mut meter, 0, &[at(2), at(4)]);
    assert_eq!(values[0], Ok(Octets::from(wrong.as_str()).to_value()));
    enter(&mut client, &mut meter, b"12");
    assert_eq!(status(&mut client, &mut meter).0, TokenStatusCode::FormatFailure);
}

#[test]
fn a_meter_without_a_gateway_has_no_such_object() {
    let keypad_only = StsConfig { gateway: false, ..sts(MONEY) };
    let mut meter = energised(MeterConfig { sts: Some(keypad_only), ..prepaid() });
    let mut client = client_of(&mut meter, 0);
    assert!(matches!(enter(&mut client, &mut meter, money(1000, 12_000).as_bytes())[..], [Told::Failed(_)]));
    assert_eq!(meter.credit_tokens_u(), 0);
}
