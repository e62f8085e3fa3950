//! Random lives of jobs against a small model of the queue.

use arm::ResourceId;
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use super::{Backend, at, deleting, enqueueing, gallery, job, job_id, putting};
use crate::{Change, Ending, Error, JobId, JobState, NewJob, Store};

/// One job as it should stand.
#[derive(Clone, Debug)]
struct Expected {
    id: JobId,
    target: ResourceId,
    created_at: Timestamp,
    run_after: Timestamp,
    due_at: Timestamp,
    owner: Option<&'static str>,
    attempt: u32,
    steps: usize,
    ended: Option<(JobState, Timestamp)>,
}

/// What a worker, the engine or the clock does; jobs are meant by their number.
#[derive(Clone, Debug)]
enum Deed {
    Enqueue { target: usize },
    Lease { owner: &'static str, seconds: i64 },
    Renew { number: u128, owner: &'static str, seconds: i64 },
    Record { number: u128, owner: &'static str },
    Postpone { number: u128, owner: &'static str, seconds: i64 },
    Finish { number: u128, owner: &'static str },
    Delete { target: usize },
    TakeOver { owner: &'static str },
    Forget,
    Wait { seconds: i64 },
}

fn deed() -> impl Strategy<Value = Deed> {
    let owner = || select(vec!["a", "b"]);
    let number = || 1_u128..6;
    let seconds = || 0_i64..20;
    prop_oneof![
        3 => (0..2_usize).prop_map(|target| Deed::Enqueue { target }),
        5 => (owner(), seconds()).prop_map(|(owner, seconds)| Deed::Lease { owner, seconds }),
        2 => (number(), owner(), seconds())
            .prop_map(|(number, owner, seconds)| Deed::Renew { number, owner, seconds }),
        3 => (number(), owner()).prop_map(|(number, owner)| Deed::Record { number, owner }),
        2 => (number(), owner(), seconds())
            .prop_map(|(number, owner, seconds)| Deed::Postpone { number, owner, seconds }),
        2 => (number(), owner()).prop_map(|(number, owner)| Deed::Finish { number, owner }),
        1 => (0..2_usize).prop_map(|target| Deed::Delete { target }),
        1 => owner().prop_map(|owner| Deed::TakeOver { owner }),
        1 => Just(Deed::Forget),
        3 => seconds().prop_map(|seconds| Deed::Wait { seconds }),
    ]
}

fn target(number: usize) -> ResourceId {
    gallery("g1", &format!("g{number}"))
}

struct World<'a> {
    store: &'a dyn Store,
    jobs: Vec<Expected>,
    enqueued: u128,
    now: i64,
}

impl World<'_> {
    fn held(&mut self, number: u128, owner: &str) -> Option<&mut Expected> {
        self.jobs.iter_mut().find(|job| job.id == job_id(number) && job.owner == Some(owner))
    }

    async fn act(&mut self, deed: &Deed) -> Result<(), TestCaseError> {
        let (store, now) = (self.store, self.now);
        match *deed {
            Deed::Wait { seconds } => self.now += seconds,
            Deed::Enqueue { target } => self.enqueue(target).await,
            Deed::Lease { owner, seconds } => self.lease(owner, seconds).await?,
            Deed::Renew { number, owner, seconds } => {
                let answer = store.renew(job_id(number), owner, at(now + seconds)).await;
                let held = self.held(number, owner);
                agree(&answer, held.is_some())?;
                held.into_iter().for_each(|job| job.due_at = at(now + seconds));
            }
            Deed::Record { number, owner } => {
                let held = self.held(number, owner);
                let step = format!("step {}", held.as_ref().map_or(0, |job| job.steps));
                let change = Change::default();
                let answer = store.record(job_id(number), owner, &step, &json!(1), change).await;
                agree(&answer, held.is_some())?;
                held.into_iter().for_each(|job| (job.steps, job.attempt) = (job.steps + 1, 0));
            }
            Deed::Postpone { number, owner, seconds } => {
                let later = at(now + seconds);
                let answer = store.postpone(job_id(number), owner, later).await;
                let held = self.held(number, owner);
                agree(&answer, held.is_some())?;
                held.into_iter()
                    .for_each(|job| (job.owner, job.run_after, job.due_at) = (None, later, later));
            }
            Deed::Finish { number, owner } => {
                let ending = Ending::Failed(json!(number.to_string()));
                let answer = store.finish(job_id(number), owner, ending, at(now), Change::default()).await;
                let held = self.held(number, owner);
                agree(&answer, held.is_some())?;
                held.into_iter()
                    .for_each(|job| job.end(JobState::Failed(json!(number.to_string())), at(now)));
            }
            Deed::Delete { target: number } => self.delete(&target(number)).await,
            Deed::TakeOver { owner } => {
                let others = self.jobs.iter_mut().filter(|job| job.owner.is_some_and(|other| other != owner));
                let taken = others.map(|job| (job.owner, job.due_at) = (None, job.run_after)).count();
                prop_assert_eq!(store.take_over(owner).await.unwrap(), u64::try_from(taken).unwrap());
            }
            Deed::Forget => {
                let before = self.jobs.len();
                self.jobs.retain(|job| job.ended.as_ref().is_none_or(|(_, ended)| *ended >= at(now)));
                let gone = u64::try_from(before - self.jobs.len()).unwrap();
                prop_assert_eq!(store.forget_jobs(at(now)).await.unwrap(), gone);
            }
        }
        Ok(())
    }

    async fn enqueue(&mut self, number: usize) {
        self.enqueued += 1;
        let new = job(self.enqueued, &target(number), self.now);
        self.store.commit(enqueueing(vec![new.clone()])).await.unwrap();
        self.jobs.push(Expected::of(new));
    }

    async fn lease(&mut self, owner: &'static str, seconds: i64) -> Result<(), TestCaseError> {
        let (now, until) = (at(self.now), at(self.now + seconds));
        let due = self.jobs.iter_mut().filter(|job| job.ended.is_none() && job.due_at <= now);
        // Of several that are equally long due, the first enqueued: `min_by_key` answers the first.
        let wanted = due.min_by_key(|job| job.due_at);
        let leased = self.store.lease(owner, now, until).await.unwrap();
        prop_assert_eq!(leased.map(|job| job.id), wanted.as_ref().map(|job| job.id));
        if let Some(job) = wanted {
            (job.owner, job.due_at, job.attempt) = (Some(owner), until, job.attempt + 1);
        }
        Ok(())
    }

    async fn delete(&mut self, id: &ResourceId) {
        let entry = super::entry(id, self.now, "delete");
        self.store.commit(Change { activity: vec![entry], ..deleting(&[id]) }).await.unwrap();
        let now = at(self.now);
        let on_it = self.jobs.iter_mut().filter(|job| job.ended.is_none() && job.target == *id);
        on_it.for_each(|job| job.end(JobState::Canceled, now));
        self.store.commit(putting([id])).await.unwrap();
    }

    async fn stands(&self) -> Result<(), TestCaseError> {
        let mut open: Vec<_> = self.jobs.iter().filter(|job| job.ended.is_none()).collect();
        open.sort_by_key(|job| job.created_at);
        let open: Vec<JobId> = open.iter().map(|job| job.id).collect();
        prop_assert_eq!(self.store.open_jobs().await.unwrap(), open);
        for job in &self.jobs {
            let found = self.store.job(job.id).await.unwrap().unwrap();
            let state = match (&job.ended, job.owner) {
                (Some((state, _)), _) => state.clone(),
                (None, Some(_)) => JobState::Running,
                (None, None) => JobState::Waiting,
            };
            prop_assert_eq!(found.state, state);
            prop_assert_eq!(found.ended_at, job.ended.as_ref().map(|(_, ended)| *ended));
            prop_assert_eq!((found.attempt, found.outputs.len()), (job.attempt, job.steps));
        }
        Ok(())
    }
}

impl Expected {
    fn of(new: NewJob) -> Self {
        Self {
            id: new.id,
            target: new.target,
            created_at: new.created_at,
            run_after: new.created_at,
            due_at: new.created_at,
            owner: None,
            attempt: 0,
            steps: 0,
            ended: None,
        }
    }

    fn end(&mut self, state: JobState, now: Timestamp) {
        (self.owner, self.ended) = (None, Some((state, now)));
    }
}

/// A worker's write succeeds with the lease and is lost without.
fn agree(answer: &Result<(), Error>, held: bool) -> Result<(), TestCaseError> {
    let agrees = if held { answer.is_ok() } else { matches!(answer, Err(Error::LeaseLost)) };
    prop_assert!(agrees, "held: {held}, answer: {answer:?}");
    Ok(())
}

async fn live(deeds: &[Deed]) -> Result<(), TestCaseError> {
    let store = Backend::Memory.open().await;
    store.commit(putting([&target(0), &target(1)])).await.unwrap();
    let mut world = World { store: &*store, jobs: vec![], enqueued: 0, now: 0 };
    for deed in deeds {
        world.act(deed).await?;
        world.stands().await?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn random_lives_of_jobs_go_as_the_model_says(deeds in prop::collection::vec(deed(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(live(&deeds))?;
    }
}
