//! No hot step takes more instructions than it may, nor so many less that its budget is stale.

use parlance_bench::budgets;
use parlance_tests::say;

#[test]
fn hot_steps_keep_to_their_budgets() {
    if !budgets::can_count() {
        return say("SKIPPED instructions: there is no valgrind");
    }
    let (here, there) = (budgets::environment().unwrap(), budgets::counted_with().unwrap());
    if here != there {
        return say(&format!("SKIPPED instructions: this is {here}, the budgets are for {there}"));
    }
    let counts = budgets::count_all().unwrap();
    let broken: Vec<String> = counts
        .iter()
        .filter(|count| !count.is_kept())
        .map(|count| {
            let (excess, budget) = (100.0 * count.excess(), count.budget.unwrap_or_default());
            let budgets::Count { name, unit, counted, .. } = count;
            format!("{name}: {counted:.1} for each {unit}, {excess:+.1} % beside {budget:.1}")
        })
        .collect();
    assert!(
        broken.is_empty(),
        "instructions have changed:\n{}\nIf that is meant, say in the commit why it is worth it:\n\
         cargo run -p parlance-bench -- budgets --update",
        broken.join("\n")
    );
}
