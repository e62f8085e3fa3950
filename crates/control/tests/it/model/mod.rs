//! Random sequences of requests against a small reference model: status, code, state and change of etag agree.
//!
//! A difference that is found becomes a named sequence in [`named`].

mod named;
mod reference;
mod requests;

use control::Reply;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use self::reference::{Model, Wanted};
use self::requests::{Op, any_sequence};
use crate::world::{World, code, header};

/// Sequences that are tried.
const SEQUENCES: u32 = 2_000;

#[test]
fn random_sequences_are_answered_as_the_model_says() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // Where failures are kept is not for a source tree: what is found gets a name instead.
    let config = Config { cases: SEQUENCES, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&any_sequence(), |ops| runtime.block_on(follow(&ops)).map_err(TestCaseError::fail))
        .unwrap();
}

/// Carries out `ops` on a fresh world and on the model; tells the first difference.
async fn follow(ops: &[Op]) -> Result<(), String> {
    let world = World::empty().await;
    let reply = world.put(&crate::world::group(), &crate::world::located()).await;
    assert_eq!(reply.status, 201);
    let mut model = Model::default();
    for (at, op) in ops.iter().enumerate() {
        if let Some(state) = op.ends_jobs() {
            world.end_jobs(state).await;
            model.end_jobs(state);
            continue;
        }
        let before = model.etag_of(&op.path()).map(str::to_owned);
        let wanted = model.answer(op);
        let reply = world.send(op.ask(before.as_deref())).await;
        compare(&reply, &wanted, before.as_deref())
            .map_err(|difference| format!("step {at}, {op:?}: {difference}\n{reply:?}"))?;
        model.note_etag(&op.path(), header(&reply, "etag"));
    }
    Ok(())
}

fn compare(reply: &Reply, wanted: &Wanted, before: Option<&str>) -> Result<(), String> {
    let agree = |what: &str, found: String, wanted: String| match found == wanted {
        true => Ok(()),
        false => Err(format!("{what} is {found}, the model says {wanted}")),
    };
    agree("the status", reply.status.to_string(), wanted.status.to_string())?;
    agree("the code", code(reply).to_owned(), wanted.code.to_owned())?;
    if let Some(state) = wanted.state {
        let found = reply.body.as_ref().and_then(|body| body["properties"]["provisioningState"].as_str());
        agree("the state", found.unwrap_or_default().to_owned(), state.as_str().to_owned())?;
    }
    if let Some(changes) = wanted.etag_changes {
        let found = header(reply, "etag").is_some_and(|etag| Some(etag) != before);
        agree("a change of etag", found.to_string(), changes.to_string())?;
    }
    Ok(())
}
