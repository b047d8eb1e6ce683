//! Cursor commands, run on a zipper of the reference.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pathmap::zipper::{ZipperIteration, ZipperMoving, ZipperValues};

use crate::{Answer, decode, encode};

fn number(word: &str) -> Answer<usize> {
    Ok(word.parse()?)
}

fn byte(word: &str) -> Answer<u8> {
    match decode(word)?[..] {
        [byte] => Ok(byte),
        _ => Err(format!("one byte is wanted: {word}").into()),
    }
}

fn value(value: Option<&u64>) -> String {
    value.map_or("-".into(), u64::to_string)
}

fn done(_: ()) -> String {
    "ok".into()
}

fn step<Z>(z: &mut Z, name: &str, word: &str) -> Answer<String>
where
    Z: ZipperMoving + ZipperIteration + ZipperValues<u64>,
{
    Ok(match name {
        "reset" => done(z.reset()),
        "descend_to" => done(z.descend_to(decode(word)?)),
        "descend_to_check" => z.descend_to_check(decode(word)?).to_string(),
        "descend_to_existing" => z.descend_to_existing(decode(word)?).to_string(),
        "descend_to_val" => z.descend_to_val(decode(word)?).to_string(),
        "descend_to_byte" => done(z.descend_to_byte(byte(word)?)),
        "descend_to_existing_byte" => z.descend_to_existing_byte(byte(word)?).to_string(),
        "descend_indexed_byte" => z.descend_indexed_byte(number(word)?).to_string(),
        "descend_first_byte" => z.descend_first_byte().to_string(),
        "descend_last_byte" => z.descend_last_byte().to_string(),
        "descend_until" => z.descend_until().to_string(),
        "descend_until_max_bytes" => z.descend_until_max_bytes(number(word)?).to_string(),
        "descend_last_path" => z.descend_last_path().to_string(),
        "move_to_path" => z.move_to_path(decode(word)?).to_string(),
        "ascend" => z.ascend(number(word)?).to_string(),
        "ascend_byte" => z.ascend_byte().to_string(),
        "ascend_until" => z.ascend_until().to_string(),
        "ascend_until_branch" => z.ascend_until_branch().to_string(),
        "to_next_sibling_byte" => z.to_next_sibling_byte().to_string(),
        "to_prev_sibling_byte" => z.to_prev_sibling_byte().to_string(),
        "to_next_step" => z.to_next_step().to_string(),
        "to_next_val" => z.to_next_val().to_string(),
        "descend_first_k_path" => z.descend_first_k_path(number(word)?).to_string(),
        "to_next_k_path" => z.to_next_k_path(number(word)?).to_string(),
        "path" => encode(z.path()),
        "at_root" => z.at_root().to_string(),
        "path_exists" => z.path_exists().to_string(),
        "is_val" => z.is_val().to_string(),
        "val" => value(z.val()),
        "val_at" => value(z.val_at(decode(word)?)),
        "val_count" => z.val_count().to_string(),
        "child_count" => z.child_count().to_string(),
        "child_mask" => encode(&z.child_mask().iter().collect::<Vec<u8>>()),
        _ => return Err(format!("no cursor command: {name}").into()),
    })
}

/// Runs a script. `zipper_at` makes a zipper rooted at a path, as the command `root` asks for. Where
/// the reference panics, the answer is `panic`, and the last one.
pub fn run<Z>(script: &[String], zipper_at: impl Fn(&[u8]) -> Z) -> Answer<Vec<String>>
where
    Z: ZipperMoving + ZipperIteration + ZipperValues<u64>,
{
    let mut z = zipper_at(b"");
    let mut answers = Vec::new();
    for line in script {
        let (name, word) = line.split_once(' ').unwrap_or((line, "-"));
        let answer = catch_unwind(AssertUnwindSafe(|| {
            if name == "root" {
                z = zipper_at(&decode(word)?);
                return Ok("ok".into());
            }
            step(&mut z, name, word)
        }));
        match answer {
            Ok(answer) => answers.push(format!("{} {}", answer?, encode(z.path()))),
            Err(_) => {
                answers.push("panic".into());
                break;
            }
        }
    }
    Ok(answers)
}
