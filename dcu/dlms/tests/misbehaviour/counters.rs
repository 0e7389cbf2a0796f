//! Counters that fall back, on either side.

use taa_dlms::Value;
use taa_dlms::error::{Error, SecurityFault};

use crate::scene::{CLIENT, METER, Safety, Scene, asks, server};

#[test]
fn a_meter_whose_counter_fell_back_is_refused_until_its_owner_says_otherwise() {
    let mut scene = Scene::new(Safety::Ciphered);
    scene.server = server(Safety::Ciphered, METER, 1, 1000);
    assert_eq!(scene.read(), Ok(Value::U16(231)));
    let floor = scene.client.received_floor().unwrap();
    assert!(floor.0 == METER && floor.1 > 1000);
    // The meter was replaced or reset: it knows of no association, and begins at 0 under the same keys.
    scene.server = server(Safety::Ciphered, METER, 1, 0);
    for _ in 0..3 {
        let refused = scene.read();
        let Err(Error::Security(SecurityFault::Replay { received, expected })) = refused else {
            panic!("{refused:?}");
        };
        assert!(received < 100 && u64::from(expected) == floor.1, "{received} {expected}");
    }
    // Its owner has looked at the meter and lowers the floor (or gives it new keys, which is better).
    scene.client.resume_received(METER, 0);
    // Sabotage: the same meter, nothing else changed.
    assert_eq!(scene.read(), Ok(Value::U16(231)));
}

#[test]
fn a_meter_that_says_our_counter_is_too_low_is_believed_only_as_an_error() {
    let mut scene = Scene::new(Safety::Ciphered);
    assert_eq!(scene.read(), Ok(Value::U16(231)));
    // The exception that says so is not signed: the counter does not jump by itself, or a forger could use it all up.
    let forged = [0xD8, 1, 6, 0x00, 0x0F, 0x42, 0x40];
    let refused = scene.read_through(&mut |request, answer| {
        if asks(request) { vec![crate::meter::framed(&forged)] } else { vec![answer] }
    });
    assert_eq!(refused, Err(SecurityFault::CounterTooLow { expected: 1_000_000 }.into()));
    assert_eq!(scene.read(), Ok(Value::U16(231)), "the next command begins with an association");
    let used = scene.server.received_floor(taa_dlms::cosem::Level::Management, CLIENT);
    assert!((3..100).contains(&used), "{used}");
    // Our record of the counter was lost, and we begin at 0 again: refused, also by a meter that does not say why.
    scene.client = crate::scene::client_from(0);
    let refused = scene.read();
    assert!(matches!(refused, Err(Error::Security(_))), "{refused:?}");
    let expected = u32::try_from(used).unwrap();
    // Its owner resumes above it.
    scene.client = crate::scene::client_from(expected);
    assert_eq!(scene.read(), Ok(Value::U16(231)));
}
