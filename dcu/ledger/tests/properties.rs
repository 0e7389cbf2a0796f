//! The log against the definition of RFC 6962, written down as it stands there: recursive, slow, obvious.

use proptest::prelude::*;
use taa_ledger::range::RangeProof;
use taa_ledger::tile::{self, Resource, Tiles};
use taa_ledger::{Frontier, Hash, Log, ProofError, Tree, prove, verify_consistency, verify_inclusion};

/// MTH (2.1).
fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::of_empty_tree(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(k(leaves.len()));
            Hash::of_node(&mth(left), &mth(right))
        }
    }
}

/// PATH (2.1.1).
fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(k(leaves.len()));
    let (mut proof, sibling) =
        if m < left.len() { (path(m, left), mth(right)) } else { (path(m - left.len(), right), mth(left)) };
    proof.push(sibling);
    proof
}

/// SUBPROOF (2.1.2).
fn subproof(m: usize, leaves: &[Hash], is_known: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if is_known { Vec::new() } else { vec![mth(leaves)] };
    }
    let (left, right) = leaves.split_at(k(leaves.len()));
    let (mut proof, sibling) = if m <= left.len() {
        (subproof(m, left, is_known), mth(right))
    } else {
        (subproof(m - left.len(), right, false), mth(left))
    };
    proof.push(sibling);
    proof
}

fn k(n: usize) -> usize {
    n.next_power_of_two() / 2
}

fn leaves(size: usize, salt: u8) -> Vec<Hash> {
    (0..size).map(|index| Hash::of_leaf(&[salt, index.to_le_bytes()[0], index.to_le_bytes()[1]])).collect()
}

fn tree(leaves: &[Hash]) -> Tree {
    let mut tree = Tree::default();
    for leaf in leaves {
        tree.append_hash(*leaf);
    }
    tree
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn root_and_proofs_are_those_of_the_definition(size in 1_usize..600, a in 0_usize..600, b in 0_usize..600, salt: u8) {
        let leaves = leaves(size, salt);
        let (tree, index, older) = (tree(&leaves), a % size, b % size + 1);
        let root = mth(&leaves);
        prop_assert_eq!(tree.root(), root);
        prop_assert_eq!(tree.root_at(older as u64), Ok(mth(&leaves[..older])));

        let proof = tree.inclusion(index as u64, size as u64).unwrap();
        prop_assert_eq!(&proof, &path(index, &leaves));
        prop_assert_eq!(verify_inclusion(&leaves[index], index as u64, size as u64, &proof, &root), Ok(()));

        let proof = tree.consistency(older as u64, size as u64).unwrap();
        let expected = if older == size { Vec::new() } else { subproof(older, &leaves, true) };
        prop_assert_eq!(&proof, &expected);
        let before = mth(&leaves[..older]);
        prop_assert_eq!(verify_consistency(older as u64, &before, size as u64, &root, &proof), Ok(()));
    }

    /// Whatever single thing of a proof is changed, it proves nothing any more.
    #[test]
    fn sabotage_a_changed_proof_is_refused(size in 2_usize..300, a in 0_usize..300, at in 0_usize..16, what in 0_u8..6) {
        let leaves = leaves(size, 1);
        let (tree, index, root) = (tree(&leaves), a % size, mth(&leaves));
        let proof = tree.inclusion(index as u64, size as u64).unwrap();
        let (mut changed, mut leaf, mut place, mut of) = (proof.clone(), leaves[index], index as u64, size as u64);
        let wrong = Hash::of_leaf(b"wrong");
        match what {
            0 => changed[at % proof.len()] = wrong,
            1 => leaf = wrong,
            2 => place = (place + 1) % of,
            3 => drop(changed.pop()),
            4 => changed.push(wrong),
            _ => of += size as u64,
        }
        prop_assert!(verify_inclusion(&leaf, place, of, &changed, &root).is_err());
        let beyond = verify_inclusion(&leaf, size as u64, size as u64, &proof, &root);
        prop_assert_eq!(beyond, Err(ProofError::OutOfTree { asked: size as u64, size: size as u64 }));

        let older = a % (size - 1) + 1;
        let before = mth(&leaves[..older]);
        let proof = tree.consistency(older as u64, size as u64).unwrap();
        let mut changed = proof.clone();
        let mut claimed = before;
        match what {
            0 | 1 => changed[at % proof.len()] = wrong,
            2 => claimed = wrong,
            3 => drop(changed.pop()),
            4 => changed.push(wrong),
            _ => changed.clear(),
        }
        prop_assert!(verify_consistency(older as u64, &claimed, size as u64, &root, &changed).is_err());
        prop_assert!(verify_consistency(size as u64, &root, older as u64, &before, &proof).is_err());
    }

    /// Proofs from tiles are those from memory, and every tile has the hashes that the layout asks for.
    #[test]
    fn tiles_prove_the_same(size in 1_usize..1500, a in 0_usize..1500, cuts in proptest::collection::vec(0_usize..1500, 0..4)) {
        let mut log = Log::new("tiles.example/log");
        let mut tiles = Tiles::default();
        let mut whole = Tree::default();
        let signer = signer();
        for index in 0..size {
            let entry = index.to_string();
            whole.append(entry.as_bytes());
            prop_assert_eq!(log.append(entry.as_bytes()), Ok(index as u64));
            // Checkpoints in between leave partial tiles behind; they must not disturb.
            if index + 1 == size || cuts.contains(&index) {
                for (place, content) in log.publish(&[&signer], 0).unwrap() {
                    prop_assert_eq!(Resource::from_path(&place.to_string()), Some(place));
                    if let Resource::Tile(tile) = place {
                        prop_assert!(tiles.insert(tile, &content));
                    }
                }
            }
        }
        prop_assert_eq!(log.root(), whole.root());
        let (size, index) = (size as u64, (a % size) as u64);
        prop_assert_eq!(prove::root(&tiles, size).unwrap(), whole.root());
        prop_assert_eq!(prove::inclusion(&tiles, index, size).unwrap(), whole.inclusion(index, size).unwrap());
        prop_assert_eq!(prove::consistency(&tiles, index, size).unwrap(), whole.consistency(index, size).unwrap());
        let needed: Vec<_> = tile::tiles(size).collect();
        prop_assert!(needed.iter().all(|tile| tile::row_width(size, tile.level) > tile.index * 256));
    }

    #[test]
    fn a_stretch_proves_itself_and_nothing_else(size in 1_usize..500, a in 0_usize..500, b in 0_usize..500, what in 0_u8..4) {
        let leaves = leaves(size, 3);
        let (first, end) = ((a % size).min(b % size), (a % size).max(b % size) + 1);
        let proof = RangeProof::make(&tree(&leaves), first as u64, end as u64, size as u64).unwrap();
        let root = |leaves: &[Hash]| {
            let mut check = proof.begin(first as u64).unwrap();
            leaves.iter().for_each(|leaf| check.push(*leaf));
            proof.finish(check, size as u64)
        };
        prop_assert_eq!(root(&leaves[first..end]), Some(mth(&leaves)));
        let mut changed = leaves[first..end].to_vec();
        let wrong = Hash::of_leaf(b"wrong");
        match what {
            0 => drop(changed.pop()),
            1 => changed.push(wrong),
            2 => changed[0] = wrong,
            _ => changed.insert(0, wrong),
        }
        prop_assert_ne!(root(&changed), Some(mth(&leaves)));
    }

    #[test]
    fn a_log_goes_on_where_it_was(size in 0_u64..1200, more in 1_u64..300) {
        let signer = signer();
        let mut log = Log::new("resume.example/log");
        (0..size).for_each(|index| drop(log.append(&index.to_be_bytes())));
        let files: std::collections::BTreeMap<Resource, Vec<u8>> =
            log.publish(&[&signer], 0).unwrap().into_iter().collect();
        let mut resumed = Log::resume(&log.checkpoint(), |place| files.get(&place).cloned()).unwrap();
        for index in size..size + more {
            log.append(&index.to_be_bytes()).unwrap();
            resumed.append(&index.to_be_bytes()).unwrap();
        }
        prop_assert_eq!(resumed.publish(&[&signer], 0), log.publish(&[&signer], 0));
    }
}

#[test]
fn sabotage_a_damaged_file_does_not_resume() {
    let signer = signer();
    let mut log = Log::new("resume.example/log");
    (0..700_u32).for_each(|index| drop(log.append(&index.to_be_bytes())));
    let files: std::collections::BTreeMap<Resource, Vec<u8>> =
        log.publish(&[&signer], 0).unwrap().into_iter().collect();
    let needed: Vec<Resource> = Log::needed(700).collect();
    assert_eq!(needed.len(), 3, "a bundle, a tile of leaves, a tile of level 1");
    for damaged in needed {
        for at in [None, Some(0), Some(5)] {
            let resumed = Log::resume(&log.checkpoint(), |place| {
                let mut content = files[&place].clone();
                if place == damaged {
                    content[at?] ^= 1;
                }
                Some(content)
            });
            assert!(resumed.is_err(), "{damaged} {at:?}");
        }
    }
}

#[test]
fn a_frontier_takes_no_subtree_that_cannot_stand_there() {
    let mut frontier = Frontier::default();
    frontier.push(Hash::of_leaf(b"a"));
    let before = frontier.clone();
    assert!(!frontier.push_subtree(1, Hash::of_leaf(b"b")));
    assert!(!frontier.push_subtree(64, Hash::of_leaf(b"b")));
    assert_eq!(frontier, before);
    assert!(Frontier::from_roots(3, before.roots()).is_none());
}

fn signer() -> taa_ledger::note::Signer {
    let key = taa_keys::Ed25519Private::from_seed(&[7; 32]);
    taa_ledger::note::Signer::new("tiles.example/log", taa_ledger::note::Kind::Ed25519, key).unwrap()
}
