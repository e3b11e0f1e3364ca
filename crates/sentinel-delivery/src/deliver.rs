//! Delivery of a batch.
//!
//! Promises one result a message, in their order. Must never wait on a disk in the caller's thread.

use crate::error::{DeliveryError, DeliveryResult};
use crate::message::Message;
use crate::sinks::Sink;

/// Sends messages, in their order and in one write. The results stand in the order of the messages. Where
/// the sink fails, every message of the batch has failed and is to be sent again; some of them may have
/// left. Dropping the future does not stop a write that has begun.
pub async fn deliver(sink: &Sink, messages: &[Message]) -> Vec<DeliveryResult> {
    let mut batch = String::new();
    let mut results: Vec<DeliveryResult> = Vec::with_capacity(messages.len());
    for message in messages {
        results.push(message.line().map(|line| batch.push_str(&line)));
    }
    if batch.is_empty() {
        return results;
    }
    let written: Result<(), DeliveryError> = sink.write(batch).await;
    if let Err(error) = written {
        for result in results.iter_mut().filter(|result| result.is_ok()) {
            *result = Err(error.clone());
        }
    }
    results
}
