//! The reference's other way to a file: insert everything into a PathMap in memory, then
//! `dump_from_zipper`. Only its build is measured; its bytes are what a plain file must be.

use bench_peers::{peer_main, Engine, Keyset, Res};
use pathmap::arena_compact::ArenaCompactTree;
use pathmap::PathMap;

struct ReferenceDump;

impl Engine for ReferenceDump {
    type Handle = ();
    const NAME: &'static str = "reference-dump";
    const VERSION: &'static str = "pathmap 0.3.5";
    const NOTE: &'static str = "a PathMap filled in memory, then dump_from_zipper; build only";
    const OPS: &'static [&'static str] = &["build", "build-zero"];

    fn build(keys: &Keyset, file: &str) -> Res<()> {
        let mut map = PathMap::new();
        for (key, value) in keys.entries() {
            map.set_val_at(key, value);
        }
        ArenaCompactTree::dump_from_zipper(map.read_zipper(), |&value| value, file)?;
        Ok(())
    }
}

fn main() {
    peer_main::<ReferenceDump>();
}
