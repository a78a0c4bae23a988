//! All routes, and the document that describes them.

use super::problem::{PROBLEM_JSON, ProblemDetails};
use super::{
    Api, addins, categories, configurations, endpoints, messages, people, people_file, policies,
    pool, records, rights, room_list, rooms, sync, tokens,
};
use utoipa::OpenApi as _;
use utoipa::openapi::path::{HttpMethod, Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, ResponseBuilder, SecurityRequirement};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What is said of the whole.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Parlance administration",
        description = "Categories, rooms, add-ins, policies, configurations, people and messages \
                       of a Persistent Chat pool."
    ),
    components(schemas(ProblemDetails))
)]
struct Whole;

/// All routes behind the door, with what describes them.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(Whole::openapi())
        .routes(routes!(categories::list, categories::new))
        .routes(routes!(categories::one, categories::set, categories::remove))
        .routes(routes!(room_list::list, rooms::new))
        .routes(routes!(rooms::one, rooms::set, rooms::remove))
        .routes(routes!(messages::clear))
        .routes(routes!(messages::remove))
        .routes(routes!(messages::replace))
        .routes(routes!(addins::list, addins::new))
        .routes(routes!(addins::one, addins::set, addins::remove))
        .routes(routes!(policies::list, policies::new))
        .routes(routes!(policies::one, policies::set, policies::remove))
        .routes(routes!(policies::grant))
        .routes(routes!(configurations::list, configurations::new))
        .routes(routes!(configurations::one, configurations::set, configurations::remove))
        .routes(routes!(endpoints::list, endpoints::new))
        .routes(routes!(endpoints::one, endpoints::remove))
        .routes(routes!(people::list, people::new))
        .routes(routes!(people::one, people::set, people::remove))
        .routes(routes!(people::invitations))
        .routes(routes!(people_file::export, people_file::import))
        .routes(routes!(sync::run))
        .routes(routes!(pool::one, pool::set))
        .routes(routes!(rights::explain))
        .routes(routes!(rights::eligible))
        .routes(routes!(records::list))
        .routes(routes!(tokens::list, tokens::new))
        .routes(routes!(tokens::revoke))
}

/// Adds what is the same everywhere: the token, refusals, headers of acts, names of operations.
pub fn complete(mut document: OpenApi) -> OpenApi {
    let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let components = document.components.get_or_insert_with(Default::default);
    components.security_schemes.insert("token".into(), RefOr::T(scheme));
    let nothing: [&str; 0] = [];
    document.security = Some(vec![SecurityRequirement::new("token", nothing)]);
    for (path, item) in &mut document.paths.paths {
        let methods = [
            (HttpMethod::Get, &mut item.get),
            (HttpMethod::Post, &mut item.post),
            (HttpMethod::Put, &mut item.put),
            (HttpMethod::Patch, &mut item.patch),
            (HttpMethod::Delete, &mut item.delete),
        ];
        for (method, operation) in methods {
            if let Some(operation) = operation {
                finish(operation, &method, path);
            }
        }
    }
    document
}

fn finish(operation: &mut Operation, method: &HttpMethod, path: &str) {
    let verb = match method {
        HttpMethod::Get => "get",
        HttpMethod::Post => "post",
        HttpMethod::Put => "put",
        HttpMethod::Patch => "patch",
        _ => "delete",
    };
    let words = path.split('/').skip(3).map(|word| word.trim_matches(['{', '}']));
    let id = std::iter::once(verb).chain(words).collect::<Vec<_>>().join("_");
    operation.operation_id = Some(id);
    let reference = RefOr::Ref(Ref::from_schema_name("ProblemDetails"));
    let refusal = ResponseBuilder::new()
        .description("Refused: nothing was done")
        .content(PROBLEM_JSON, Content::new(Some(reference)))
        .build();
    let responses = &mut operation.responses.responses;
    responses.insert("default".into(), RefOr::T(refusal));
    // What would be made, or was made by the same request before.
    if let Some(RefOr::T(mut same)) = responses.get("201").cloned() {
        same.description = "Nothing is new: only tried (dry_run), or done before".to_owned();
        responses.insert("200".into(), RefOr::T(same));
    }
    // What can be tried is an act, and these are the heads of acts.
    if let Some(parameters) = &mut operation.parameters
        && parameters.iter().any(|it| matches!(it, RefOr::T(it) if it.name == "dry_run"))
    {
        parameters.push(header(
            "If-Match",
            r#"^("[0-9]{1,19}"|\*)$"#,
            "ETag that was seen; another one in force is refused with 412",
        ));
        parameters.push(header(
            "Idempotency-Key",
            "^[!-~]{1,257}$",
            "The same key is the same request: carried out once, answered alike",
        ));
    }
}

fn header(name: &str, pattern: &str, description: &str) -> RefOr<Parameter> {
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).build();
    let builder = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header);
    RefOr::T(builder.description(Some(description)).schema(Some(text)).build())
}
