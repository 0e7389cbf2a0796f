use proptest::prelude::*;

use super::*;
use crate::{MeterIx, journal::drawn, reading::Reading};

/// The hour's readings of so many meters, as a village in its second year yields them.
fn hour(meters: u32, hour: u32) -> Vec<Record> {
    let start_unix_ms = 1_772_323_200_000_i64;
    let mut late_ms = 0;
    (0..meters)
        .map(|meter| {
            // Slots one after another over half an hour; answers take up to 3 s; some hundred Wh at most.
            late_ms = (late_ms * 7919 + 104_729) % 3001;
            let ms = u64::from(hour) * 3_600_000 + u64::from(meter) * 1_800_000 / u64::from(meters) + late_ms;
            let unix_ms = start_unix_ms + ms.cast_signed();
            let wh = 40_000 + u64::from(meter) * 7_001 % 400_000 + u64::from(hour) * (5 + u64::from(meter) * 13 % 90);
            let reading = Reading {
                meter: MeterIx(meter),
                period: 492_312 + hour,
                at_unix_s: (unix_ms / 1000) as u32,
                sequence: 9_000 + hour - u32::from(meter % 9 == 0) * (meter % 40),
                register_wh: wh,
                relay_closed: Some(meter % 17 != 0),
                credit_minor: None,
            };
            let stamp = Stamp { boot: 4, monotonic_ns: ms * 1_000_000, unix_ms: Some(unix_ms) };
            Record { number: u64::from(hour * meters + meter) + 1, stamp, entry: Entry::Reading(reading) }
        })
        .collect()
}

#[test]
fn readings_of_an_hour_take_few_bytes() {
    let records = hour(500, 0);
    let block = pack(&records).unwrap();
    assert_eq!(unpack(&block), Ok(records.clone()));
    let mut plain = Vec::new();
    records.iter().for_each(|record| crate::journal::bytes::encode(record, &mut plain).unwrap());
    let per_reading = block.len() as f64 / 500.0;
    println!("one hour: {per_reading:.2} bytes a reading, plain {:.2}", plain.len() as f64 / 500.0);
    assert!(per_reading < 4.5, "{per_reading}");
    let day: Vec<Record> = (0..12).flat_map(|n| hour(500, n)).collect();
    let per_reading = pack(&day).unwrap().len() as f64 / day.len() as f64;
    println!("twelve hours in a block: {per_reading:.2} bytes a reading");
    assert!(per_reading < 3.5, "{per_reading}");
}

#[test]
fn a_single_record_costs_little_more_than_itself() {
    let record = Record {
        number: 900_000,
        stamp: Stamp { boot: 9, monotonic_ns: 86_400_000_000_000, unix_ms: Some(1_772_323_200_000) },
        entry: Entry::DayFee { day: 20_000 },
    };
    let block = pack(std::slice::from_ref(&record)).unwrap();
    assert!(block.len() <= 30, "{}", block.len());
    assert_eq!(unpack(&block), Ok(vec![record]));
    assert_eq!(unpack(&pack(&[]).unwrap()), Ok(vec![]));
}

#[test]
fn what_a_block_claims_is_not_believed() {
    let records = hour(40, 3);
    let block = pack(&records).unwrap();
    for cut in 0..block.len() {
        assert!(unpack(&block[..cut]).is_err(), "cut at {cut}");
    }
    assert_eq!(unpack(&[9, 0, 0]), Err(BytesError::Version(9)));
    let sealed = |body: &[u8]| super::sealed(CODED, body.to_vec());
    assert_eq!(sealed(&block[5..]), block);
    for more in 0..=255 {
        assert_eq!(unpack(&sealed(&[&block[5..], &[more]].concat())), Err(BytesError::Malformed), "{more} behind it");
    }
    // A few bytes that claim as many records, rows or raw bytes as can be written.
    for claim in [&[0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0][..], &[0x80, 0x40, 0, 0xFF, 0xFF], &[1, 0xFF, 0x7F]] {
        assert_eq!(unpack(&sealed(claim)), Err(BytesError::Malformed), "{claim:?}");
    }
    let too_many: Vec<Record> = (0..=RECORDS_MAX as u32 / 500).flat_map(|n| hour(500, n)).collect();
    assert_eq!(pack(&too_many), Err(BytesError::Unwritable));
}

#[test]
fn the_check_is_crc_32c() {
    assert_eq!(crc32c(b"123456789"), 0xE306_9283);
}

#[test]
fn a_flipped_bit_never_passes() {
    let records = hour(20, 1);
    let block = pack(&records).unwrap();
    for at in 0..block.len() {
        for bit in 0..8 {
            let mut flipped = block.clone();
            flipped[at] ^= 1 << bit;
            assert!(unpack(&flipped).is_err(), "byte {at}, bit {bit}");
        }
    }
}

fn readings() -> impl Strategy<Value = Reading> {
    let small = (0_u32..9, 0_u32..9, 0_u32..9, 0_u32..9, 0_u64..99, any::<Option<bool>>(), any::<Option<i8>>());
    let word = any::<u32>;
    let any = (word(), word(), word(), word(), any::<u64>(), any::<Option<bool>>(), any::<Option<i64>>());
    let small = small.prop_map(|(a, b, c, d, e, f, g)| (a, b, c, d, e, f, g.map(i64::from)));
    prop_oneof![small, any].prop_map(|(meter, period, at_unix_s, sequence, register_wh, relay_closed, credit_minor)| {
        Reading { meter: MeterIx(meter), period, at_unix_s, sequence, register_wh, relay_closed, credit_minor }
    })
}

fn entries() -> impl Strategy<Value = Entry> {
    let backfilled = (any::<u32>(), any::<u32>(), any::<u32>(), proptest::collection::vec(readings(), 0..6));
    let backfilled =
        backfilled.prop_map(|(meter, from, to, found)| Entry::Backfilled { meter: MeterIx(meter), from, to, found });
    prop_oneof![
        3 => readings().prop_map(Entry::Reading),
        2 => backfilled,
        3 => (any::<u8>(), any::<u64>()).prop_map(|(kind, seed)| drawn::any(kind, seed)),
    ]
}

fn records() -> impl Strategy<Value = Vec<Record>> {
    let stamps = prop_oneof![
        (any::<u32>(), any::<u64>(), any::<Option<i64>>()),
        (0_u32..3, 0_u64..9_999_999_999, proptest::option::of(1_772_323_200_000_i64..1_772_323_300_000)),
    ];
    let numbers = prop_oneof![any::<u64>(), 1_u64..50];
    let record = (numbers, stamps, entries()).prop_map(|(number, (boot, monotonic_ns, unix_ms), entry)| Record {
        number,
        stamp: Stamp { boot, monotonic_ns, unix_ms },
        entry,
    });
    proptest::collection::vec(record, 0..24)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_run_of_records_comes_back(records in records()) {
        let block = pack(&records).unwrap();
        prop_assert_eq!(unpack(&block).unwrap(), records);
    }

    #[test]
    fn any_bytes_are_taken_or_refused(
        (raw, coded) in (0_u8..40, 0_usize..200).prop_flat_map(|(raw, coded)| {
            (proptest::collection::vec(any::<u8>(), usize::from(raw)), proptest::collection::vec(any::<u8>(), coded))
        }),
        count in any::<u8>(),
    ) {
        let body = [&[count & 0x7F, raw.len() as u8][..], &raw, &coded].concat();
        let block = sealed(if count & 0x80 == 0 { CODED } else { PLAIN }, body);
        if let Ok(records) = unpack(&block) {
            prop_assert_eq!(pack(&records).unwrap(), block);
        }
    }
}
