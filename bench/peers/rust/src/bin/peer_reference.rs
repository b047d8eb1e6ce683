//! The reference for ACTree03 files: pathmap's ArenaCompactTree over a mapped file. The file is
//! built by pushing the sorted keys into its streaming writer, and scanned by its zipper.

use std::hint::black_box;

use bench_peers::{peer_main, Answer, Engine, Keys, Keyset, Res};
use memmap2::Mmap;
use pathmap::arena_compact::{ACTOutputStream, ArenaCompactTree};
use pathmap::zipper::{ZipperIteration, ZipperMoving, ZipperValues};

struct Reference;

impl Engine for Reference {
    type Handle = ArenaCompactTree<Mmap>;
    const NAME: &'static str = "reference";
    const VERSION: &'static str = "pathmap 0.3.5";
    const NOTE: &'static str =
        "built by ACTOutputStream; get_val_at; scan by to_next_val, iterate by iter()";
    const OPS: &'static [&'static str] =
        &["build", "build-zero", "open", "present", "absent", "sample", "scan", "iterate", "rebuild"];

    fn build(keys: &Keyset, file: &str) -> Res<()> {
        let mut out = ACTOutputStream::new(file)?;
        for (key, value) in keys.entries() {
            out.push_val(key, value)?;
        }
        out.finish()?;
        Ok(())
    }

    fn open(file: &str) -> Res<Self::Handle> {
        Ok(ArenaCompactTree::open_mmap(file)?)
    }

    fn get(tree: &Self::Handle, queries: Keys, answer: &mut Answer) -> Res<()> {
        for key in queries {
            if let Some(value) = tree.get_val_at(black_box(key)) {
                answer.hit(value);
            }
        }
        Ok(())
    }

    fn scan(tree: &Self::Handle) -> Res<Answer> {
        let mut answer = Answer::default();
        let mut zipper = tree.read_zipper_u64();
        // to_next_val does not stop at the root where it starts.
        if let Some(&value) = zipper.val() {
            answer.hit(value);
        }
        while zipper.to_next_val() {
            answer.hit(*zipper.val().ok_or("a value without a value")?);
            answer.keys_nbytes += zipper.path().len() as u64;
        }
        Ok(answer)
    }

    fn iterate(tree: &Self::Handle) -> Res<Answer> {
        let mut answer = Answer::default();
        for (path, value) in tree.iter() {
            answer.hit(value);
            answer.keys_nbytes += path.len() as u64;
        }
        Ok(answer)
    }
}

fn main() {
    peer_main::<Reference>();
}
