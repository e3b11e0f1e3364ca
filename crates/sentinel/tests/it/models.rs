//! `sentinel models` as a person meets it: importing, showing, signing, activating.

use std::path::Path;

use serde_json::Value;

use crate::process::{Folder, repository, sentinel, stderr, text};
use crate::serve::{Server, payment};

fn models(arguments: &[&str]) -> (i32, String, String) {
    let ended = sentinel().arg("models").args(arguments).output().unwrap();
    (
        ended.status.code().unwrap(),
        String::from_utf8_lossy(&ended.stdout).into_owned(),
        stderr(&ended),
    )
}

fn fixture(name: &str) -> String {
    text(&repository(&format!("fixtures/models/foreign/{name}"))).to_owned()
}

/// A model on features that the engine makes, from an imported fixture.
fn imported(folder: &Folder, name: &str) -> String {
    let out = folder.path(name);
    let (code, _, told) = models(&[
        "import",
        &fixture("xgboost-nan.ubj"),
        "--names",
        TEN_FEATURES,
        "--out",
        text(&out),
    ]);
    assert_eq!(code, 0, "{told}");
    text(&out).to_owned()
}

#[test]
fn an_imported_model_is_compared_with_the_predictions_of_its_program() {
    let folder = Folder::new();
    for (model, rows) in [
        ("lightgbm-nan.txt", "lightgbm-nan.csv"),
        ("xgboost-nan.ubj", "xgboost-nan.csv"),
        ("onnx-forest.onnx", "onnx-forest.csv"),
    ] {
        let out = folder.path(model);
        let (code, told, problem) = models(&[
            "import",
            &fixture(model),
            "--check",
            &fixture(rows),
            "--out",
            text(&out),
        ]);
        assert_eq!(code, 0, "{problem}");
        assert!(
            told.contains("parity on 60 rows, bound 1e-6: holds"),
            "{told}"
        );
        assert!(told.contains("the engine makes no feature of"), "{told}");
        let (code, shown, _) = models(&["show", text(&out), "-o", "json"]);
        assert_eq!(code, 0);
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["members"][0]["trees"], 4);
        assert_eq!(shown["card"]["imported_file"], model);
        assert_eq!(shown["signatures"].as_array().unwrap().len(), 0);
    }
}

#[test]
fn a_model_that_differs_from_its_predictions_is_not_written() {
    let folder = Folder::new();
    let out = folder.path("wrong.model");
    let rows = std::fs::read_to_string(fixture("lightgbm-nan.csv")).unwrap();
    // The last two columns are the margin and the probability.
    let wrong: Vec<String> = rows
        .lines()
        .enumerate()
        .map(|(number, line)| match number {
            7 => format!("{}9", line.rsplit_once(',').unwrap().0.to_owned() + ",0."),
            _ => line.to_owned(),
        })
        .collect();
    let sample = folder.file("wrong.csv", wrong.join("\n"));
    let arguments = [
        "import",
        &fixture("lightgbm-nan.txt"),
        "--check",
        &sample,
        "--out",
        text(&out),
    ];
    let (code, told, problem) = models(&arguments);
    assert_eq!(code, 1, "{problem}");
    assert!(
        told.contains("FAILS") && told.contains("worst row 7"),
        "{told}"
    );
    assert!(problem.contains("was not written"), "{problem}");
    assert!(!out.exists());
    let (code, ..) = models(&[&arguments[..], &["--tolerance", "1"]].concat());
    assert_eq!(code, 0);
    assert!(out.exists());
}

#[test]
fn wrong_usage_of_an_import_is_told_in_words() {
    let folder = Folder::new();
    let out = folder.path("no.model");
    let model = fixture("lightgbm-nan.txt");
    let rename = folder.file("names", "n0 = account_count_1m\nmoon = sun\n");
    let bare = folder.file("bare.csv", "n0,n1\n1,2\n");
    let broken = folder.file("broken.txt", "tree\nnum_class=2\n");
    for (arguments, part) in [
        (
            vec![model.as_str(), "--names", "a,b"],
            "10 features, 2 names",
        ),
        (
            vec![&model, "--rename", &rename],
            "names:2: the model has no feature \"moon\"",
        ),
        (vec![&model, "--check", &bare], "has no column \"n2\""),
        (vec![&model, "--format", "onnx"], "no protocol buffer"),
        (vec![&broken], "cut short"),
        (vec!["no-such-file"], "no-such-file"),
        (vec![&model, "--label", "fraud"], "--label needs"),
    ] {
        let all = [&["import"], &arguments[..], &["--out", text(&out)]].concat();
        let (code, _, problem) = models(&all);
        assert_eq!(code, 2, "{arguments:?}: {problem}");
        assert!(problem.contains(part), "{arguments:?}: {problem}");
        assert!(!out.exists());
    }
    let rename = folder.file("names", "# ours\nn0 = account_count_1m\n");
    let (code, told, _) = models(&["import", &model, "--rename", &rename, "--out", text(&out)]);
    assert_eq!(code, 0);
    assert!(!told.contains("  n0"), "{told}");
    let (_, listed, _) = models(&["list", text(folder.root())]);
    assert!(
        listed.contains("no.model  lightgbm-nan version 1"),
        "{listed}"
    );
    assert_eq!(listed.lines().count(), 1, "only models: {listed}");
}

/// Ten features that the engine makes, in the place of those of a fixture.
const TEN_FEATURES: &str = "account_count_1m,account_count_5m,account_count_15m,account_count_1h,\
                            account_count_6h,account_count_24h,account_sum_1h,account_sum_24h,card_count_1m,\
                            card_count_1h";

#[cfg(not(feature = "neural"))]
#[test]
fn a_neural_network_is_refused_with_the_command_that_builds_for_it() {
    let folder = Folder::new();
    let out = folder.path("network.model");
    let network = fixture("network-gemm.onnx");
    let (code, _, problem) = models(&[
        "import",
        &network,
        "--names",
        TEN_FEATURES,
        "--out",
        text(&out),
    ]);
    assert_eq!(code, 2, "{problem}");
    assert!(
        problem.contains("cargo build --release -p sentinel --features neural"),
        "{problem}"
    );
    assert!(!out.exists());
}

/// `cargo test -p sentinel --features neural --test it -- neural_network`
#[cfg(feature = "neural")]
#[test]
fn a_neural_network_is_imported_compared_signed_and_decides() {
    let folder = Folder::new();
    let out = folder.path("network.model");
    let network = fixture("network-gemm.onnx");
    let rows = std::fs::read_to_string(fixture("network-gemm.csv")).unwrap();
    let (_, below) = rows.split_once('\n').unwrap();
    let sample = format!("{TEN_FEATURES},raw,prediction\n{below}");
    let sample = folder.file("sample.csv", &sample);
    let base = [
        "import",
        &network,
        "--names",
        TEN_FEATURES,
        "--out",
        text(&out),
    ];
    let (code, _, problem) = models(&base);
    assert!(
        code == 2 && problem.contains("--missing VALUE"),
        "{problem}"
    );
    let (code, told, problem) = models(&[&base[..], &["--check", &sample]].concat());
    assert_eq!(code, 0, "{problem}");
    assert!(
        told.contains("a neural network, 10 features read of 10")
            && told.contains("60 rows, bound 1e-6: holds"),
        "{told}"
    );
    let (_, shown, _) = models(&["show", text(&out)]);
    assert!(
        shown.contains("neural-network: weight 1, 10 inputs"),
        "{shown}"
    );
    let (_, shown, _) = models(&["show", text(&out), "-o", "json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let told = &shown["members"][0]["network"];
    assert_eq!(told["operators"][0], "MatMul");
    assert_eq!(told["fillings"][0]["feature"], "account_count_1m");
    let key = text(&folder.path("key")).to_owned();
    assert_eq!(models(&["keygen", "--out", &key]).0, 0);
    assert_eq!(models(&["sign", "--key", &key, text(&out)]).0, 0);

    let data = text(&folder.path("data")).to_owned();
    let public = format!("{key}.pub");
    let trusting = [
        "serve",
        "--data-dir",
        &data,
        "--require-signed-models",
        "--trusted-key",
        &public,
    ];
    let server = Server::start(&trusting);
    let url = format!("http://{}", server.address);
    let (code, _, problem) = models(&["activate", text(&out), "--server", &url]);
    assert_eq!(code, 0, "{problem}");
    let (status, decision) = server.decide(&payment("one", 500));
    assert_eq!(status, 200, "{decision}");
    assert!(
        decision["versions"]["model"]
            .as_str()
            .unwrap()
            .starts_with("network@2:"),
        "{decision}"
    );
    stop(server);
    // The log is walked again: the same decision, or the start is refused.
    let server = Server::start(&trusting);
    let (_, again) = server.decide(&payment("one", 500));
    assert_eq!(again["score"], decision["score"]);
    stop(server);
}

#[test]
fn a_signature_holds_until_the_model_is_changed() {
    let folder = Folder::new();
    let model = imported(&folder, "mine.model");
    let key = text(&folder.path("key")).to_owned();
    assert_eq!(models(&["keygen", "--out", &key]).0, 0);
    let (code, _, problem) = models(&["keygen", "--out", &key]);
    assert_eq!(code, 2, "a key is never written over: {problem}");
    let public = format!("{key}.pub");
    assert!(!std::fs::read_to_string(&public).unwrap().contains("secret"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&key).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "only its owner reads a secret key");
    }
    let hash = |path: &str| {
        let (_, shown, _) = models(&["show", path, "-o", "json"]);
        serde_json::from_str::<Value>(&shown).unwrap()["hash"].clone()
    };
    let (code, _, problem) = models(&["verify", &model, "--trusted-key", &public]);
    assert!(code == 1 && problem.contains("not signed"), "{problem}");
    let before = hash(&model);
    assert_eq!(models(&["sign", "--key", &key, &model]).0, 0);
    assert_eq!(models(&["verify", &model, "--trusted-key", &public]).0, 0);
    assert_eq!(hash(&model), before, "a signature is no part of the model");
    let once = std::fs::read(&model).unwrap();
    assert_eq!(models(&["sign", "--key", &key, &model]).0, 0);
    assert_eq!(
        std::fs::read(&model).unwrap(),
        once,
        "the same signature once"
    );
    // Another key signs too; alone it is not enough.
    let other = text(&folder.path("other")).to_owned();
    assert_eq!(models(&["keygen", "--out", &other]).0, 0);
    let (code, _, problem) = models(&["verify", &model, "--trusted-key", &format!("{other}.pub")]);
    assert!(
        code == 1 && problem.contains("none of the trusted keys"),
        "{problem}"
    );
    // The same words in another file: a valid model with a signature of another one.
    let changed = String::from_utf8(once).unwrap();
    let signature = changed.lines().last().unwrap();
    let stranger = imported_under(&folder, "stranger.model", "stranger");
    let forged = format!(
        "{}{signature}\n",
        std::fs::read_to_string(&stranger).unwrap()
    );
    let forged = folder.file("forged.model", forged);
    let (code, _, problem) = models(&["verify", &forged, "--trusted-key", &public]);
    assert!(code == 1 && problem.contains("does not hold"), "{problem}");
    let (code, _, problem) = models(&["sign", "--key", &public, &model]);
    assert!(code == 2 && problem.contains("no secret key"), "{problem}");
}

fn imported_under(folder: &Folder, file: &str, name: &str) -> String {
    let out = folder.path(file);
    let model = fixture("lightgbm-nan.txt");
    let arguments = ["import", &model, "--name", name, "--out", text(&out)];
    assert_eq!(models(&arguments).0, 0);
    text(&out).to_owned()
}

/// Ends a server and waits for it, so that its directory is free.
fn stop(mut server: Server) {
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
}

fn model_of(server: &Server, event: &str) -> String {
    let (status, decision) = server.decide(&payment(event, 500));
    assert_eq!(status, 200, "{decision}");
    decision["versions"]["model"].as_str().unwrap().to_owned()
}

#[test]
fn an_activated_model_decides_at_once_and_after_a_restart() {
    let folder = Folder::new();
    let data = text(&folder.path("data")).to_owned();
    let model = imported(&folder, "mine.model");
    let server = Server::start(&["serve", "--data-dir", &data]);
    let url = format!("http://{}", server.address);
    assert!(model_of(&server, "one").starts_with("default@1:"));
    let (code, told, problem) = models(&["activate", &model, "--server", &url, "--dry-run"]);
    assert_eq!(code, 0, "{problem}");
    assert!(told.contains("would activate mine@2"), "{told}");
    let (code, told, problem) = models(&["activate", &model, "--server", &url]);
    assert_eq!(code, 0, "{problem}");
    assert!(
        told.contains("mine@2") && told.contains("is live from offset"),
        "{told}"
    );
    let (_, told, _) = models(&["activate", &model, "--server", &url]);
    assert!(told.contains("nothing to do"), "{told}");
    let named = model_of(&server, "two");
    assert!(named.starts_with("mine@2:"), "{named}");
    let (_, listed, _) = models(&["list", "--server", &url]);
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 2, "{listed}");
    assert!(
        lines[0].starts_with("active") && lines[0].contains(&named),
        "{listed}"
    );
    assert!(lines[1].starts_with("before"), "{listed}");
    // A model on features that are not there is refused by their names.
    let strange = imported_under(&folder, "strange.model", "strange");
    let (code, _, problem) = models(&["activate", &strange, "--server", &url]);
    assert_eq!(code, 2);
    assert!(
        problem.contains("that the active set has not: n0"),
        "{problem}"
    );
    stop(server);

    let server = Server::start(&["serve", "--data-dir", &data]);
    assert_eq!(model_of(&server, "three"), named, "it stays over a restart");
    stop(server);
}

#[test]
fn a_server_that_wants_signed_models_starts_with_no_other() {
    let folder = Folder::new();
    let data = text(&folder.path("data")).to_owned();
    let model = imported(&folder, "mine.model");
    let key = text(&folder.path("key")).to_owned();
    assert_eq!(models(&["keygen", "--out", &key]).0, 0);
    let public = format!("{key}.pub");
    let base = ["serve", "--data-dir", &data, "--require-signed-models"];
    let trusting = [&base[..], &["--trusted-key", &public]].concat();
    let refused = |arguments: &[&str], part: &str| {
        let ended = sentinel()
            .args(arguments)
            .args(["--listen", "127.0.0.1:0"])
            .output()
            .unwrap();
        let told = stderr(&ended);
        assert_eq!(ended.status.code(), Some(2), "{told}");
        assert!(told.contains(part), "{told}");
    };
    refused(
        &[&trusting[..], &["--model", &model]].concat(),
        "not signed",
    );
    refused(
        &[&base[..], &["--trusted-key", &model]].concat(),
        "no public key",
    );
    // What ships needs no signature.
    let server = Server::start(&trusting);
    let url = format!("http://{}", server.address);
    let (code, _, problem) = models(&["activate", &model, "--server", &url]);
    assert!(code == 2 && problem.contains("not signed"), "{problem}");
    assert_eq!(models(&["sign", "--key", &key, &model]).0, 0);
    let (code, _, problem) = models(&["activate", &model, "--server", &url]);
    assert_eq!(code, 0, "{problem}");
    assert!(model_of(&server, "one").starts_with("mine@2:"));
    stop(server);
    // The log's model is looked at too: without the key it may not decide on.
    refused(&base, "none of the trusted keys");
    let ended = sentinel()
        .args(["serve", "--data-dir", &data, "--listen", "127.0.0.1:0"])
        .env("SENTINEL_REQUIRE_SIGNED_MODELS", "true")
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(2), "{}", stderr(&ended));
    assert!(Path::new(&data).is_dir());
}
