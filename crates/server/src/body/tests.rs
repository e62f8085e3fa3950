//! What a body may be, and how many are held.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use rstest::rstest;

use super::{Intake, each, read};

fn parts(parts: &[&'static str]) -> Body {
    let parts: Vec<_> =
        parts.iter().map(|part| Ok::<_, Infallible>(Bytes::from_static(part.as_bytes()))).collect();
    Body::from_stream(stream::iter(parts))
}

#[rstest]
#[case::nothing(&[], Ok(""))]
#[case::one_part(&["abcd"], Ok("abcd"))]
#[case::parts(&["a", "", "bc", "d"], Ok("abcd"))]
#[case::one_byte_more(&["abcde"], Err(413))]
#[case::one_byte_more_at_last(&["ab", "cd", "e"], Err(413))]
#[tokio::test]
async fn a_body_is_read_up_to_its_limit(#[case] sent: &[&'static str], #[case] wanted: Result<&str, u16>) {
    let got = read(parts(sent), 4).await.map_err(|rejection| rejection.status);
    assert_eq!(got, wanted.map(|text| Bytes::copy_from_slice(text.as_bytes())));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let broken = stream::iter([Ok(Bytes::from_static(b"ab")), Err(std::io::Error::other("reset"))]);
    assert_eq!(read(Body::from_stream(broken), 4).await.unwrap_err().status, 400);
}

#[tokio::test]
async fn a_body_that_stops_arriving_is_given_up() {
    let first = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"ab"))]);
    let body = Body::from_stream(first.chain(stream::pending()));
    let mut seen = Vec::new();
    let ended = each(body, 4, Duration::from_millis(1), |part| {
        seen.extend_from_slice(part);
        Ok(())
    });
    assert_eq!(ended.await.unwrap_err().status, 408);
    assert_eq!(seen, b"ab");
}

#[tokio::test]
async fn no_more_bodies_are_held_than_there_are_places() {
    let intake = Intake::new(4, 2);
    let (_, first) = intake.read(parts(&["a"])).await.unwrap();
    let (_, _second) = intake.read(parts(&["b"])).await.unwrap();
    let mut third = Box::pin(intake.read(parts(&["c"])));
    assert!((&mut third).now_or_never().is_none());
    drop(first);
    assert_eq!(third.await.unwrap().0, "c");
}

#[tokio::test]
async fn a_refused_body_gives_its_place_back() {
    let intake = Intake::new(1, 1);
    assert!(intake.read(parts(&["too long"])).await.is_err());
    assert!(intake.read(parts(&["a"])).now_or_never().is_some());
}
