//! The live feed over real sockets.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::server::{Server, payment};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(server: &Server, path: &str, protocol: Option<&str>) -> Socket {
    let (address, _) = server.listen().await;
    connect_to(address, path, protocol).await
}

async fn connect_to(address: SocketAddr, path: &str, protocol: Option<&str>) -> Socket {
    let mut request = format!("ws://{address}{path}")
        .into_client_request()
        .unwrap();
    if let Some(protocol) = protocol {
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol.parse().unwrap());
    }
    let (socket, response) = tokio_tungstenite::connect_async(request).await.unwrap();
    let agreed = response.headers().get("sec-websocket-protocol");
    assert_eq!(agreed.map(|value| value.to_str().unwrap()), protocol);
    socket
}

async fn say(socket: &mut Socket, message: Value) {
    socket
        .send(Message::text(message.to_string()))
        .await
        .unwrap();
}

/// The next message; pings are passed over.
async fn next(socket: &mut Socket) -> Message {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(20), socket.next()).await;
        match message.unwrap().unwrap().unwrap() {
            Message::Ping(_) => {}
            message => return message,
        }
    }
}

async fn heard(socket: &mut Socket) -> Value {
    serde_json::from_str(next(socket).await.to_text().unwrap()).unwrap()
}

/// The next event on a topic.
async fn event(socket: &mut Socket, topic: &str) -> Value {
    loop {
        let message = heard(socket).await;
        assert_eq!(message["type"], json!("event"), "{message}");
        if message["topic"] == json!(topic) {
            return message;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_hears_decisions_alerts_and_figures() {
    let mut server = Server::start().await;
    let mut socket = connect(&server, "/api/v1/ws", Some("sentinel.v1")).await;
    say(
        &mut socket,
        json!({"type": "subscribe", "topics": ["decisions", "alerts", "statistics"]}),
    )
    .await;
    let told = heard(&mut socket).await;
    assert_eq!(
        told,
        json!({"type": "subscribed", "topics": ["decisions", "alerts", "statistics"]})
    );

    let decisions = server.burst("acct-1").await;
    let (mut decided, mut alerts, mut last_seq) = (Vec::new(), Vec::new(), 0);
    let mut figures = Value::Null;
    while decided.len() < 10 || alerts.len() < 8 || figures["alerts_open"] != json!(8) {
        let message = heard(&mut socket).await;
        assert_eq!(message["type"], json!("event"));
        let data = message["data"].clone();
        match message["topic"].as_str().unwrap() {
            "decisions" => {
                assert!(message["seq"].as_u64().unwrap() > last_seq);
                last_seq = message["seq"].as_u64().unwrap();
                assert_eq!(data["skipped"], json!(0));
                decided.extend(data["items"].as_array().unwrap().clone());
            }
            "alerts" => alerts.extend(data["items"].as_array().unwrap().clone()),
            _ => figures = data,
        }
    }
    let ids = |all: &[Value]| {
        all.iter()
            .map(|one| one["decision_id"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        ids(&decided),
        ids(&decisions),
        "in the order in which they were made"
    );
    assert_eq!(decided[9]["reasons"], decisions[9]["reasons"]);
    assert_eq!(decided[9]["decided_at"], json!("2026-11-21T13:00:00Z"));
    assert_eq!(alerts[7]["tier"], json!("critical"));
    assert_eq!(figures["transactions"], json!(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_come_and_go_and_nonsense_is_answered() {
    let server = Server::start().await;
    let mut socket = connect(&server, "/api/v1/ws", Some("sentinel.v1")).await;
    say(&mut socket, json!({"type": "dance"})).await;
    assert_eq!(heard(&mut socket).await["type"], json!("error"));
    say(
        &mut socket,
        json!({"type": "subscribe", "topics": ["statistics"]}),
    )
    .await;
    heard(&mut socket).await;
    let one = event(&mut socket, "statistics").await["seq"]
        .as_u64()
        .unwrap();
    let two = event(&mut socket, "statistics").await["seq"]
        .as_u64()
        .unwrap();
    assert_eq!(two, one + 1);
    say(
        &mut socket,
        json!({"type": "subscribe", "topics": ["decisions"]}),
    )
    .await;
    say(
        &mut socket,
        json!({"type": "unsubscribe", "topics": ["statistics"]}),
    )
    .await;
    while heard(&mut socket).await != json!({"type": "subscribed", "topics": ["decisions"]}) {}
    server.decide(&payment("order-1", "a")).await;
    let message = heard(&mut socket).await;
    assert_eq!(
        message["topic"],
        json!("decisions"),
        "no figures in between"
    );
    assert_eq!(message["data"]["items"][0]["event_id"], json!("order-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_decisions_are_told_as_the_newest_and_a_count() {
    let server = Server::start().await;
    let mut socket = connect(&server, "/api/v1/ws", Some("sentinel.v1")).await;
    say(
        &mut socket,
        json!({"type": "subscribe", "topics": ["decisions"]}),
    )
    .await;
    heard(&mut socket).await;
    for n in 0..100 {
        server
            .decide(&payment(&format!("order-{n}"), &format!("acct-{n}")))
            .await;
    }
    let (mut told, mut newest) = (0, Value::Null);
    while told < 100 {
        let data = event(&mut socket, "decisions").await["data"].clone();
        let items = data["items"].as_array().unwrap();
        assert!(items.len() <= 20);
        told += items.len() as u64 + data["skipped"].as_u64().unwrap();
        newest = items.last().unwrap()["event_id"].clone();
    }
    assert_eq!((told, newest), (100, json!("order-99")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_stream_sends_one_alert_a_message() {
    let mut server = Server::start().await;
    let mut socket = connect(&server, "/ws/alerts", None).await;
    server.burst("acct-1").await;
    for _ in 0..7 {
        heard(&mut socket).await;
    }
    let alert = heard(&mut socket).await;
    assert_eq!(alert["transaction_id"], json!("acct-1-9"));
    assert_eq!(alert, server.get("/alerts/recent?limit=1").await.json()[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_end_when_the_server_stops() {
    let server = Server::start().await;
    let (address, serving) = server.listen().await;
    let mut feed = connect_to(address, "/api/v1/ws", Some("sentinel.v1")).await;
    let mut alerts = connect_to(address, "/ws/alerts", None).await;
    say(
        &mut feed,
        json!({"type": "subscribe", "topics": ["alerts"]}),
    )
    .await;
    heard(&mut feed).await;
    server.stop.send(true).unwrap();
    for socket in [&mut feed, &mut alerts] {
        match next(socket).await {
            Message::Close(Some(frame)) => assert_eq!(u16::from(frame.code), 1001),
            other => panic!("{other:?} instead of the end"),
        }
    }
    tokio::time::timeout(Duration::from_secs(20), serving)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_hears_nothing() {
    let server = Server::start().await;
    let (address, _) = server.listen().await;
    let mut request = format!("ws://{address}/api/v1/ws")
        .into_client_request()
        .unwrap();
    request
        .headers_mut()
        .insert("origin", "https://elsewhere.example".parse().unwrap());
    let refused = tokio_tungstenite::connect_async(request).await.unwrap_err();
    match refused {
        tokio_tungstenite::tungstenite::Error::Http(response) => assert_eq!(response.status(), 403),
        other => panic!("{other}"),
    }
}
