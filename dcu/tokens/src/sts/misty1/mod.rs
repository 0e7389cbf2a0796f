//! MISTY1 (RFC 2994) with eight rounds, the block cipher of STS encryption algorithm 11 (IEC 62055-41, EA11).
//!
//! No table is looked up and nothing branches on data: both substitution boxes are evaluated as Boolean formulas over
//! many bits at once ([`sbox`]), so that the time of an operation depends on neither key nor block. Two arrangements:
//! - [`single`]: one block; the two independent halves of a round, and the eight words of the key schedule, share words.
//! - [`batch`]: 64 blocks under 64 keys at once, bit *n* of every word belonging to block *n*.
//!
//! Both are compared with each other and with the published examples below.

mod batch;
mod sbox;
mod single;

pub(crate) use batch::{BATCH, encrypt_batch};
pub(crate) use single::Schedule;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: u128 = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff;

    /// RFC 2994, the examples at its end.
    #[test]
    fn published_examples() {
        let schedule = Schedule::new(KEY);
        for (plain, cipher) in
            [(0x0123_4567_89ab_cdef, 0x8b1d_a5f5_6ab3_d07c), (0xfedc_ba98_7654_3210, 0x04b6_8240_b13b_e95d)]
        {
            assert_eq!(schedule.encrypt(plain), cipher);
            assert_eq!(schedule.decrypt(cipher), plain);
            let mut blocks = [plain; BATCH];
            encrypt_batch(&[KEY; BATCH], &mut blocks);
            assert_eq!(blocks, [cipher; BATCH]);
        }
    }

    proptest! {
        #[test]
        fn there_and_back(key: u128, block: u64) {
            let schedule = Schedule::new(key);
            prop_assert_eq!(schedule.decrypt(schedule.encrypt(block)), block);
        }

        #[test]
        fn a_batch_is_64_single_ones(
            keys in prop::collection::vec(any::<u128>(), BATCH),
            blocks in prop::collection::vec(any::<u64>(), BATCH),
        ) {
            let keys: [u128; BATCH] = keys.try_into().unwrap();
            let mut batch: [u64; BATCH] = blocks.clone().try_into().unwrap();
            encrypt_batch(&keys, &mut batch);
            for ((key, block), sealed) in keys.iter().zip(blocks).zip(batch) {
                prop_assert_eq!(Schedule::new(*key).encrypt(block), sealed);
            }
        }
    }

    /// The sabotage: one bit of one key is another cipher.
    #[test]
    fn one_key_bit_changes_everything() {
        let flipped = Schedule::new(KEY ^ 1).encrypt(0x0123_4567_89ab_cdef);
        let apart = (flipped ^ 0x8b1d_a5f5_6ab3_d07c_u64).count_ones();
        assert!((16..=48).contains(&apart), "{apart} bits differ");
    }
}
