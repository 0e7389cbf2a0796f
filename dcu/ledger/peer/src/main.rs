//! Our log, read by an outside implementation: `tlog_tiles` and `signed_note` (Cloudflare's port of Go's `sumdb`).
//!
//! `cargo run --manifest-path dcu/ledger/peer/Cargo.toml`. At many sizes: the peer opens our signed checkpoint, reads
//! and authenticates our tiles, and makes every proof from them; each is byte for byte ours, and each side accepts the
//! other's. A changed tile is refused by the peer, so it does look.

use std::cell::Cell;
use std::collections::BTreeMap;

use signed_note::{Note, StandardVerifier, VerifierList};
use taa_keys::Ed25519Private;
use taa_ledger::note::{Kind, Signer};
use taa_ledger::tile::{self, Resource, Tiles};
use taa_ledger::{Hash, Log, prove, verify_consistency, verify_inclusion};
use tlog_tiles::{
    Checkpoint, Error, Tile, TileHashReader, TileReader, check_record, check_tree, prove_record, prove_tree,
    record_hash, tree_hash,
};

const NAME: &str = "jija.example/ledger";

/// Our files, as the peer asks for them.
struct Files<'a> {
    files: &'a BTreeMap<String, Vec<u8>>,
    read: Cell<u64>,
}

impl TileReader for Files<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        self.read.set(self.read.get() + tiles.len() as u64);
        let content = |tile: &Tile| {
            // The peer's paths have the height of tiles in them, which C2SP fixes.
            let path = tile.path().replacen("tile/8/", "tile/", 1);
            self.files.get(&path).cloned().ok_or(Error::InvalidInput(path))
        };
        tiles.iter().map(content).collect()
    }

    fn save_tiles(&self, _tiles: &[Tile], _data: &[Vec<u8>]) {}
}

fn main() {
    let signer = Signer::new(NAME, Kind::Ed25519, Ed25519Private::from_seed(&[9; 32])).expect("a name");
    let (mut proofs, mut tiles) = (0_u64, 0_u64);
    for size in [1, 2, 3, 7, 255, 256, 257, 511, 512, 513, 1000, 65_535, 65_536, 65_537, 70_000] {
        let (made, read) = compare(&signer, size);
        proofs += made;
        tiles += read;
    }
    println!("{proofs} proofs equal and accepted on both sides, {tiles} tiles read by the peer");
}

fn compare(signer: &Signer, size: u64) -> (u64, u64) {
    let entry = |index: u64| format!("entry {index}").into_bytes();
    let mut log = Log::new(NAME);
    let mut roots = vec![log.root()];
    for index in 0..size {
        log.append(&entry(index)).expect("short enough");
        roots.push(log.root());
    }
    let published = log.publish(&[signer], 0).expect("a key");
    let files: BTreeMap<String, Vec<u8>> =
        published.iter().map(|(place, content)| (place.to_string(), content.clone())).collect();
    let mut ours = Tiles::default();
    for (place, content) in &published {
        if let Resource::Tile(tile) = place {
            assert!(ours.insert(*tile, content));
        }
    }

    // The checkpoint, by the text form of our key.
    let verifier = StandardVerifier::new(&signer.verifier().to_text()).expect("our key, read by the peer");
    let note = Note::from_bytes(&files["checkpoint"]).expect("our note, read by the peer");
    let (signed, _) = note.verify(&VerifierList::new(vec![Box::new(verifier)])).expect("our signature");
    assert_eq!(signed[0].name(), NAME);
    let checkpoint = Checkpoint::from_bytes(note.text()).expect("our checkpoint, read by the peer");
    assert_eq!((checkpoint.origin(), checkpoint.size()), (NAME, size));
    let root = *checkpoint.hash();
    assert_eq!(root.0, *log.root().as_bytes());

    // The list of tiles.
    let listed: Vec<String> =
        Tile::new_tiles(8, 0, size).iter().map(|tile| tile.path().replacen("tile/8/", "tile/", 1)).collect();
    let expected: Vec<String> = tile::tiles(size).map(|tile| Resource::Tile(tile).to_string()).collect();
    assert_eq!(listed, expected);

    // Every proof at some places.
    let reader = Files { files: &files, read: Cell::new(0) };
    let hashes = TileHashReader::new(size, root, &reader);
    assert_eq!(tree_hash(size, &hashes).map(|hash| hash.0).ok(), Some(root.0));
    let step = (size / 40).max(1);
    let mut made = 0;
    for index in (0..size).step_by(usize::try_from(step).expect("small")).chain([size - 1]) {
        let theirs = prove_record(size, index, &hashes).expect("their proof from our tiles");
        let mine = prove::inclusion(&ours, index, size).expect("our proof");
        assert!(mine.iter().map(|hash| *hash.as_bytes()).eq(theirs.iter().map(|hash| hash.0)));
        let leaf = Hash::of_leaf(&entry(index));
        verify_inclusion(&leaf, index, size, &mine, &log.root()).expect("we accept it");
        check_record(&theirs, size, root, index, record_hash(&entry(index))).expect("they accept it");

        let older = index + 1;
        let theirs = prove_tree(size, older, &hashes).expect("their proof from our tiles");
        let mine = prove::consistency(&ours, older, size).expect("our proof");
        let before = roots[usize::try_from(older).expect("small")];
        assert!(mine.iter().map(|hash| *hash.as_bytes()).eq(theirs.iter().map(|hash| hash.0)));
        verify_consistency(older, &before, size, &log.root(), &mine).expect("we accept it");
        check_tree(&theirs, size, root, older, tlog_tiles::Hash(*before.as_bytes())).expect("they accept it");
        made += 2;
    }

    // Sabotage: the peer does look.
    let mut changed = files.clone();
    let tile = expected.last().expect("a tile");
    changed.get_mut(tile).expect("the tile")[0] ^= 1;
    let reader_of_changed = Files { files: &changed, read: Cell::new(0) };
    assert!(tree_hash(size, &TileHashReader::new(size, root, &reader_of_changed)).is_err(), "{tile}");
    (made, reader.read.get())
}
