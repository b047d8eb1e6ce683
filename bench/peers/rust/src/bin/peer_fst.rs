//! fst: a minimal acyclic automaton. Its map, over a mapped file.

use std::fs::File;
use std::hint::black_box;
use std::io::BufWriter;

use bench_peers::{peer_main, Answer, Engine, Keys, Keyset, Res};
use fst::{Map, MapBuilder, Streamer};
use memmap2::Mmap;

struct Fst;

impl Engine for Fst {
    type Handle = Map<Mmap>;
    const NAME: &'static str = "fst";
    const VERSION: &'static str = "fst 0.4.7";
    const NOTE: &'static str = "MapBuilder over a BufWriter; Map over a mapping";
    const OPS: &'static [&'static str] =
        &["build", "build-zero", "open", "present", "absent", "sample", "scan", "rebuild", "verify"];

    fn build(keys: &Keyset, file: &str) -> Res<()> {
        let mut builder = MapBuilder::new(BufWriter::new(File::create(file)?))?;
        for (key, value) in keys.entries() {
            builder.insert(key, value)?;
        }
        builder.finish()?;
        Ok(())
    }

    fn verify(file: &str) -> Res<()> {
        Self::open(file)?.as_fst().verify()?;
        Ok(())
    }

    fn open(file: &str) -> Res<Map<Mmap>> {
        Ok(Map::new(unsafe { Mmap::map(&File::open(file)?)? })?)
    }

    fn get(map: &Map<Mmap>, queries: Keys, answer: &mut Answer) -> Res<()> {
        for key in queries {
            if let Some(value) = map.get(black_box(key)) {
                answer.hit(value);
            }
        }
        Ok(())
    }

    fn scan(map: &Map<Mmap>) -> Res<Answer> {
        let mut answer = Answer::default();
        let mut stream = map.stream();
        while let Some((key, value)) = stream.next() {
            answer.hit(value);
            answer.keys_nbytes += key.len() as u64;
        }
        Ok(answer)
    }
}

fn main() {
    peer_main::<Fst>();
}
