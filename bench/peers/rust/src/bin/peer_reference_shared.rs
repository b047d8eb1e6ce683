//! The reference's way to a file that writes equal subtrees once: a PathMap in memory, merkleized,
//! then `from_zipper_cached`. Only its build is measured, and how large the file is.

use bench_peers::{peer_main, Engine, Keyset, Res};
use pathmap::arena_compact::ArenaCompactTree;
use pathmap::PathMap;

struct ReferenceShared;

impl Engine for ReferenceShared {
    type Handle = ();
    const NAME: &'static str = "reference-shared";
    const VERSION: &'static str = "pathmap 0.3.5";
    const NOTE: &'static str =
        "a PathMap filled in memory, merkleize, then from_zipper_cached; build only";
    const OPS: &'static [&'static str] = &["build", "build-zero"];

    fn build(keys: &Keyset, file: &str) -> Res<()> {
        let mut map = PathMap::new();
        for (key, value) in keys.entries() {
            map.set_val_at(key, value);
        }
        map.merkleize();
        let tree = ArenaCompactTree::from_zipper_cached(map.read_zipper(), |&value| value);
        std::fs::write(file, tree.get_data())?;
        Ok(())
    }
}

fn main() {
    peer_main::<ReferenceShared>();
}
