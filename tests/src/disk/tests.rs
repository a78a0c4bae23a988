//! The faulty disk itself is tested: what it must lose is lost, what it must keep is kept.

use super::*;
use std::process::Output;

/// Runs a shell script in a folder on the disk.
fn run(disk: &FaultyDisk, script: &str) -> Output {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script).current_dir(&disk.folder).envs(disk.environment());
    shell.output().expect("a shell runs")
}

/// Runs a script, loses the power at its end, and says what is there then: `name=content`.
fn left(before: &str, script: &str, survivors: Survivors, seed: u64) -> Option<Vec<String>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut disk = FaultyDisk::under(folder.path())?;
    run(&disk, before);
    disk.lose_power(Survivors::Everything, &mut Dice::new(seed, 0));
    let output = run(&disk, script);
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    disk.lose_power(survivors, &mut Dice::new(seed, 0));
    let find = "find . -type f | sort | while read f; do echo \"${f#./}=$(cat $f)\"; done";
    let output = run(&disk, find);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    Some(text.lines().map(str::to_owned).collect())
}

#[test]
fn what_is_not_synced_is_lost_and_what_is_synced_is_kept() {
    for (what, before, script, expect) in [
        ("nothing synced", "", "echo a > f", vec![]),
        ("the file alone", "", "echo a > f; sync f", vec![]),
        ("the folder alone", "", "echo a > f; sync .", vec!["f="]),
        ("file and folder", "", "echo a > f; sync f .", vec!["f=a"]),
        ("only its data", "", "echo a > f; sync -d f; sync .", vec!["f=a"]),
        ("written after the sync", "", "echo a > f; sync f .; echo b > f", vec!["f=a"]),
        ("written over", "echo a > f", "printf b 1<> f", vec!["f=a"]),
        ("written over and synced", "echo a > f", "printf b 1<> f; sync f", vec!["f=b"]),
        ("made longer", "echo a > f", "echo b >> f; sync f; echo c >> f", vec!["f=a", "b"]),
        ("made empty", "echo a > f", ": > f", vec!["f=a"]),
        ("made empty, length not synced", "echo a > f", ": > f; sync -d f", vec!["f=a"]),
        ("made empty and synced", "echo a > f", ": > f; sync f", vec!["f="]),
        ("another file synced", "echo a > f", "echo b > f; echo c > g; sync g .", {
            vec!["f=a", "g=c"]
        }),
        ("removed", "echo a > f", "rm f", vec!["f=a"]),
        ("removed and synced", "echo a > f", "rm f; sync .", vec![]),
        ("renamed", "echo a > f", "mv f g", vec!["f=a"]),
        ("renamed and synced", "echo a > f", "mv f g; sync .", vec!["g=a"]),
        ("replaced", "echo a > f", "echo b > g; sync g; mv g f", vec!["f=a"]),
        ("replaced and synced", "echo a > f", "echo b > g; sync g; mv g f; sync .", vec!["f=b"]),
        ("replaced without its data", "echo a > f", "echo b > g; mv g f; sync .", vec!["f="]),
        ("a folder's own entry", "", "mkdir d; echo a > d/f; sync d/f d", vec![]),
        ("a folder with its entry", "", "mkdir d; echo a > d/f; sync d/f d .", vec!["d/f=a"]),
        ("a name used again", "echo a > f", "rm f; echo b > f; sync f", vec!["f=a"]),
        ("a name used again, synced", "echo a > f", "rm f; echo b > f; sync f .", vec!["f=b"]),
    ] {
        let Some(left) = left(before, script, Survivors::Nothing, 0) else { return };
        assert_eq!(left, expect, "{what}");
    }
}

#[test]
fn what_is_not_synced_may_survive_in_part_and_by_seed() {
    const SCRIPT: &str = "echo a > f; sync f .; echo b >> f; echo c >> f; echo d > g; rm f";
    let Some(all) = left("", SCRIPT, Survivors::Everything, 0) else { return };
    assert_eq!(all, ["g=d"]);
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..30 {
        let left = |survivors| left("", SCRIPT, survivors, seed).expect("there is a compiler");
        let some = left(Survivors::Some);
        assert_eq!(some, left(Survivors::Some), "the same seed leaves the same");
        // What was synced is there, unless its removal has come through.
        let is_kept = some.iter().any(|line| line == "f=a");
        assert!(is_kept || some.iter().all(|line| line.starts_with("g=")), "{some:?}");
        seen.insert(some);
        seen.insert(left(Survivors::Prefix));
        seen.insert(left(Survivors::Sectors));
    }
    assert!(seen.len() > 5, "chance has a say: {seen:?}");
}

#[test]
fn faults_come_when_and_where_they_are_asked_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(mut disk) = FaultyDisk::under(folder.path()) else { return };
    for (rules, script, is_well) in [
        ("write * 28 0 0", "echo a > f", false),
        ("write g 28 0 0", "echo a > f", true),
        ("write f 28 1 0", "echo a > f", true),
        ("write f 28 1 0", "{ echo a; echo b; } > f", false),
        ("sync * 5 0 1", "sync f", false),
        ("sync * 5 1 1", "sync f", true),
        ("create * 28 0 0", "echo a > f", true),
        ("create * 28 0 0", "echo a > other", false),
        ("remove * 5 0 0", "rm f", false),
        ("rename * 5 0 0", "mv f f2", false),
        ("truncate * 5 0 0", ": > f", false),
        ("any * die 0 0", "echo a > f", false),
        ("write * short 0 0", "echo abcdefgh > f; test $(cat f) = abcdefgh", true),
        ("", "echo a > f; sync f .; rm f", true),
    ] {
        disk.fail(rules);
        assert_eq!(run(&disk, script).status.success(), is_well, "{rules}: {script}");
    }
    // After a failed sync no later one writes what it left.
    disk.heal();
    disk.lose_power(Survivors::Everything, &mut Dice::new(0, 0));
    run(&disk, "echo a > f; sync .");
    disk.fail("sync f 5 0 1");
    assert!(!run(&disk, "sync f").status.success());
    disk.heal();
    assert!(run(&disk, "sync f").status.success());
    // And a disk that lies is believed.
    disk.fail("sync * lie 0 0");
    assert!(run(&disk, "echo a > g; sync g .").status.success());
    disk.lose_power(Survivors::Nothing, &mut Dice::new(0, 0));
    assert_eq!(fs::read_to_string(folder.path().join("f")).ok().as_deref(), Some(""));
    assert!(!folder.path().join("g").exists());
}
