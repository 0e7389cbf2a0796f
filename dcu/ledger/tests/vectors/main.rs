//! The validation cases of family `ledger`, made outside of this crate (each file names its source).
//!
//! One trial per case, named `ledger::<file>::<case>`. `TAA_VECTORS` points at another root of the same layout.

use std::process::ExitCode;

use taa_ledger::{Frontier, Hash, Log, Tree, verify_consistency, verify_inclusion};
use taa_vectors::{Failed, Json, Trial, hex};

fn main() -> ExitCode {
    let folder = taa_vectors::folder(env!("CARGO_MANIFEST_DIR"), "ledger");
    taa_vectors::run(|| {
        taa_vectors::trials(&folder, &mut |stem, file, trials| {
            let before = trials.len();
            of_file(stem, &file, trials)?;
            if trials.len() == before { Err("no case that is known here".to_owned()) } else { Ok(()) }
        })
    })
}

fn of_file(stem: &str, file: &Json, trials: &mut Vec<Trial>) -> Result<(), String> {
    let entries = strings(&file["leaves_hex"])?.into_iter().map(bytes).collect::<Result<Vec<_>, _>>()?;
    let name = |case: String| format!("ledger::{stem}::{case}");
    if let Some(expected) = file["empty_root"].as_str() {
        let expected = hash(expected)?;
        trials.push(Trial::test(name("empty_root".into()), move || {
            same(Hash::of_empty_tree(), expected)?;
            same(Frontier::default().root(), expected)
        }));
    }
    for (index, expected) in strings(&file["leaf_hashes"])?.into_iter().enumerate() {
        let (entry, expected) = (entries.get(index).cloned().ok_or("a hash without a leaf")?, hash(expected)?);
        trials.push(Trial::test(name(format!("leaf_{index}")), move || same(Hash::of_leaf(&entry), expected)));
    }
    for (size, expected) in file["roots"].as_object().into_iter().flatten() {
        let expected = hash(expected.as_str().ok_or("a root is no text")?)?;
        let size: usize = size.parse().map_err(|_| format!("no size: {size}"))?;
        let entries = entries.get(..size).ok_or("a root over more than all leaves")?.to_vec();
        trials.push(Trial::test(name(format!("root_{size}")), move || roots(&entries, expected)));
    }
    // A file may leave out roots that its proofs are about; then they lead to the root of its leaves.
    let root_of = |size: u64| match file["roots"][&size.to_string()].as_str() {
        Some(text) => hash(text),
        None => tree(&entries).root_at(size).map_err(|error| error.to_string()),
    };
    for case in file["inclusion"].as_array().into_iter().flatten() {
        let (index, size) = (number(case, "leaf_index")?, number(case, "tree_size")?);
        let (path, root, entries) = (hashes(&case["path"])?, root_of(size)?, entries.clone());
        trials.push(Trial::test(name(format!("inclusion_{index}_of_{size}")), move || {
            let entry = entries.get(usize::try_from(index)?).ok_or("no such leaf")?;
            verify_inclusion(&Hash::of_leaf(entry), index, size, &path, &root)?;
            let made = tree(&entries).inclusion(index, size)?;
            if made == path { Ok(()) } else { Err(format!("made {made:?}").into()) }
        }));
    }
    for case in file["consistency"].as_array().into_iter().flatten() {
        let (first, second) = (number(case, "first")?, number(case, "second")?);
        let (older, newer) = (root_of(first)?, root_of(second)?);
        let (path, entries) = (hashes(&case["proof"])?, entries.clone());
        trials.push(Trial::test(name(format!("consistency_{first}_{second}")), move || {
            verify_consistency(first, &older, second, &newer, &path)?;
            let made = tree(&entries).consistency(first, second)?;
            if made == path { Ok(()) } else { Err(format!("made {made:?}").into()) }
        }));
    }
    Ok(())
}

/// All three ways to a root.
fn roots(entries: &[Vec<u8>], expected: Hash) -> Result<(), Failed> {
    let mut frontier = Frontier::default();
    let mut log = Log::new("vectors.example/log");
    for entry in entries {
        frontier.push(Hash::of_leaf(entry));
        log.append(entry)?;
    }
    same(frontier.root(), expected)?;
    same(log.root(), expected)?;
    same(tree(entries).root(), expected)
}

fn tree(entries: &[Vec<u8>]) -> Tree {
    let mut tree = Tree::default();
    for entry in entries {
        tree.append(entry);
    }
    tree
}

fn same(got: Hash, expected: Hash) -> Result<(), Failed> {
    if got == expected { Ok(()) } else { Err(format!("got {got}, expected {expected}").into()) }
}

fn number(case: &Json, name: &str) -> Result<u64, String> {
    case[name].as_u64().ok_or_else(|| format!("no number {name}"))
}

fn hashes(list: &Json) -> Result<Vec<Hash>, String> {
    strings(list)?.into_iter().map(hash).collect()
}

fn hash(text: &str) -> Result<Hash, String> {
    Hash::from_hex(text).ok_or_else(|| format!("not a hash: {text}"))
}

fn strings(list: &Json) -> Result<Vec<&str>, String> {
    list.as_array().into_iter().flatten().map(|text| text.as_str().ok_or_else(|| "not a text".to_owned())).collect()
}

fn bytes(text: &str) -> Result<Vec<u8>, String> {
    hex(text).map_err(|error| error.message().unwrap_or("not hex").to_owned())
}
