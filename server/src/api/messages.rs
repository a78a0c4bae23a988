//! Messages: `Clear-CsPersistentChatRoom`, `Remove-CsPersistentChatMessage`.

use super::auth::Caller;
use super::extract::{Body, Name, Write, WriteParams};
use super::problem::Problem;
use super::view::{DAY_BEGINS, DAY_ENDS, time};
use super::words::MatchWord;
use super::{Api, Nothing, Outcome, told};
use crate::admin::{Filter, MessageAct, REPLACEMENT, Wanted};
use axum::extract::State;
use axum::response::Response;
use parlance_wire::xccos::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Up to when a room is cleared.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClearBody {
    /// `EndDate`: ISO 8601, or a day, which is meant to its end. Inclusive.
    until: String,
}

/// Which messages; all that is given must fit, and something must be.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveBody {
    /// `Filter`: keywords between blanks.
    #[serde(default)]
    filter: String,
    /// `MatchClause`.
    #[serde(default = "all")]
    r#match: MatchWord,
    #[serde(default)]
    case_sensitive: bool,
    /// `StartDate`: ISO 8601 or a day. Inclusive.
    start: Option<String>,
    /// `EndDate`: ISO 8601 or a day, which is meant to its end. Inclusive.
    end: Option<String>,
    /// `UserUri`: the author.
    author: Option<String>,
}

fn all() -> MatchWord {
    MatchWord::All
}

/// Which messages, and what they say from now on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceBody {
    #[serde(default)]
    filter: String,
    #[serde(default = "all")]
    r#match: MatchWord,
    #[serde(default)]
    case_sensitive: bool,
    start: Option<String>,
    end: Option<String>,
    author: Option<String>,
    /// `ReplaceMessage`; where nothing is said, that an administrator has replaced the message.
    text: Option<String>,
}

fn moment(field: &'static str, text: &str, of_day: &str) -> Result<Timestamp, Problem> {
    time(text, of_day).ok_or_else(|| {
        let detail = format!(
            "{text:?} is neither a day like 2024-03-08 nor a time like 2024-03-08T07:16:05Z, so \
             nothing was done"
        );
        Problem::faulty(field, detail)
    })
}

fn filter(body: RemoveBody) -> Result<Filter, Problem> {
    let from = body.start.map(|text| moment("start", &text, DAY_BEGINS)).transpose()?;
    let to = body.end.map(|text| moment("end", &text, DAY_ENDS)).transpose()?;
    Ok(Filter {
        text: body.filter,
        words: body.r#match.into(),
        case_sensitive: body.case_sensitive,
        from,
        to,
        author: body.author.map(|uri| uri.trim().to_lowercase()),
    })
}

/// Removes everything that was said up to a moment.
#[utoipa::path(post, path = "/api/v1/rooms/{room}/clear", tag = "messages",
    params(("room" = String, Path, description = "Name, id, URI or pool\\name"), WriteParams),
    request_body = ClearBody, responses((status = 200, body = Outcome<Nothing>)))]
pub async fn clear(
    State(api): State<Api>,
    caller: Caller,
    Name(room): Name,
    write: Write,
    Body(ClearBody { until }): Body<ClearBody>,
) -> Result<Response, Problem> {
    let until = moment("until", &until, DAY_ENDS)?;
    let act = Wanted::Messages(MessageAct::Clear { room, until });
    let done = api.carry_out(&caller, &write, act).await?;
    Ok(told(Outcome::<Nothing>::new(done, &write, None), None))
}

/// Removes messages without a trace for those who chat.
#[utoipa::path(post, path = "/api/v1/rooms/{room}/messages/remove", tag = "messages",
    params(("room" = String, Path, description = "Name, id, URI or pool\\name"), WriteParams),
    request_body = RemoveBody, responses((status = 200, body = Outcome<Nothing>)))]
pub async fn remove(
    State(api): State<Api>,
    caller: Caller,
    Name(room): Name,
    write: Write,
    Body(body): Body<RemoveBody>,
) -> Result<Response, Problem> {
    let act = Wanted::Messages(MessageAct::Remove { room, filter: filter(body)? });
    let done = api.carry_out(&caller, &write, act).await?;
    Ok(told(Outcome::<Nothing>::new(done, &write, None), None))
}

/// Puts another text in place of messages.
#[utoipa::path(post, path = "/api/v1/rooms/{room}/messages/replace", tag = "messages",
    params(("room" = String, Path, description = "Name, id, URI or pool\\name"), WriteParams),
    request_body = ReplaceBody, responses((status = 200, body = Outcome<Nothing>)))]
pub async fn replace(
    State(api): State<Api>,
    caller: Caller,
    Name(room): Name,
    write: Write,
    Body(body): Body<ReplaceBody>,
) -> Result<Response, Problem> {
    let ReplaceBody { filter: words, r#match, case_sensitive, start, end, author, text } = body;
    let which = RemoveBody { filter: words, r#match, case_sensitive, start, end, author };
    let text = text.unwrap_or_else(|| REPLACEMENT.to_owned());
    let act = Wanted::Messages(MessageAct::Replace { room, filter: filter(which)?, text });
    let done = api.carry_out(&caller, &write, act).await?;
    Ok(told(Outcome::<Nothing>::new(done, &write, None), None))
}
