//! Stand-in until the core plans.
#![allow(missing_docs)]
use parlance_core::Directory;
use parlance_core::admin::{Act, Actor, Context, Plan, Refusal};

pub fn plan(_: &Directory, _: &Actor, _: &Act, _: &Context) -> Result<Plan, Refusal> {
    Ok(Plan::default())
}
