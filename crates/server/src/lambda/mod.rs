//! Bursar as an AWS Lambda function: the same program, started by Lambda's runtime instead of a command line.
//!
//! - The function's handler says what it is: `bank-simulator`, or, by any other name, Bursar itself.
//! - Events of API Gateway (HTTP APIs and REST APIs) and of function addresses are requests to the router that `serve` serves.
//!   Events of a schedule, of a queue and of a table's stream run the background jobs once.
//! - Between two events a process stands still, so that nothing goes on in it: what a request began has ended before it is
//!   answered, and there are no timers.
//!
//! Absent on purpose: a first shop, which two processes that start at once would make twice, and the answers that a stream
//! sends bit by bit.

mod bank;
mod emf;
mod event;
mod jobs;
mod request;
mod secrets;
mod settings;

use std::sync::Arc;

use axum::Router;
use lambda_runtime::{LambdaEvent, service_fn};
use payments::Platform;
use serde::Serialize;
use serde_json::value::RawValue;
use tracing::Instrument as _;

use self::event::Event;
use self::jobs::Report;
use self::request::Shape;
use self::settings::Variables;
use crate::compose::{SetupError, compose};
use crate::serve;

/// Lambda's runtime gives its address to what it starts.
const RUNTIME: &str = "AWS_LAMBDA_RUNTIME_API";
/// The handler of a bank simulator.
const BANK_HANDLER: &str = "bank-simulator";

type Failure = lambda_runtime::Error;

/// Whether Lambda's runtime started this process.
#[must_use]
pub fn is_here() -> bool {
    std::env::var_os(RUNTIME).is_some()
}

/// Answers events until the process is ended.
///
/// # Errors
/// It could not be put together, or the runtime cannot be reached.
pub async fn run() -> Result<(), SetupError> {
    serve::log();
    let variables = Variables::read(&|name| std::env::var(name).ok()).await?;
    let function = if variables.handler.as_deref() == Some(BANK_HANDLER) {
        Function { router: bank::router(&variables)?, platform: None, environment: variables.environment }
    } else {
        let environment = variables.environment.clone();
        let composed = compose(&variables.settings()?).await?;
        let platform = Some(Arc::clone(&composed.app.platform));
        Function { router: serve::router(&composed), platform, environment }
    };
    let function = Arc::new(function);
    let handle = service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let function = Arc::clone(&function);
        // Lambda's own name of what it does here, by which its platform's lines tell of it.
        let span = tracing::info_span!("invocation", invocation = %event.context.request_id);
        // The future of a request is large, and this one is moved about.
        Box::pin(async move { function.handle(event).await }.instrument(span))
    });
    lambda_runtime::run(handle).await.map_err(|e| SetupError(format!("the Lambda runtime: {e}")))
}

/// What answers events.
struct Function {
    router: Router,
    /// `None` of a bank simulator.
    platform: Option<Arc<Platform>>,
    environment: String,
}

/// An answer in the shape that its event asks for.
#[derive(Serialize)]
#[serde(untagged)]
enum Answer<Response> {
    Request(Response),
    Jobs(Report),
}

impl Function {
    async fn handle(&self, event: LambdaEvent<Box<RawValue>>) -> Result<Answer<impl Serialize + use<>>, Failure> {
        let LambdaEvent { payload, context } = event;
        match (event::read(&payload)?, &self.platform) {
            (Event::Request(request), platform) => {
                let shape = Shape { router: &self.router, platform: platform.as_deref(), environment: &self.environment };
                Ok(Answer::Request(shape.answer(*request, context).await?))
            }
            (Event::Jobs(trigger), Some(platform)) => {
                let ran = platform.run_due(jobs::time_until(context.deadline())).await;
                emf::write(&emf::of_jobs(&self.environment, &ran, platform.now()));
                Ok(Answer::Jobs(jobs::report(trigger, &ran)?))
            }
            (Event::Jobs(_), None) => Err("a bank simulator has no background jobs".into()),
        }
    }
}
