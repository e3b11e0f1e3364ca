//! Where requests go: a URL, taken apart.

/// The path of decisions.
pub const DECISIONS: &str = "/api/v1/decisions";

/// A server and a path on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Name and port, for the connection.
    pub address: String,
    /// As the header `host` says it.
    pub host: String,
    /// With its leading slash.
    pub path: String,
}

impl Target {
    /// Reads a URL. The error says what is wrong with it.
    pub fn parse(url: &str) -> Result<Self, String> {
        let fault = |what: &str| {
            Err(format!(
                "{url:?} {what}; give one like http://127.0.0.1:8000"
            ))
        };
        let Some((scheme, rest)) = url.split_once("://") else {
            return fault("is no URL");
        };
        if scheme.eq_ignore_ascii_case("https") {
            return fault("asks for encryption, which this client has not");
        }
        if !scheme.eq_ignore_ascii_case("http") {
            return fault("does not begin with http://");
        }
        let (host, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if !plain(rest) || host.contains('@') || rest.contains('#') {
            return fault("has characters that do not belong there");
        }
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
            _ => (host, None),
        };
        let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
        if name.is_empty() || !port_fits {
            return fault("names no host and port");
        }
        Ok(Self {
            address: format!("{name}:{}", port.unwrap_or("80")),
            host: host.to_owned(),
            path: if matches!(path, "" | "/") {
                DECISIONS
            } else {
                path
            }
            .to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        for (url, address, host, path) in [
            ("http://h:81", "h:81", "h:81", DECISIONS),
            ("http://h/", "h:80", "h", DECISIONS),
            ("HTTP://[::1]:9/x?y=1", "[::1]:9", "[::1]:9", "/x?y=1"),
            ("http://[::1]", "[::1]:80", "[::1]", DECISIONS),
        ] {
            let expected = Target {
                address: address.to_owned(),
                host: host.to_owned(),
                path: path.to_owned(),
            };
            assert_eq!(Target::parse(url), Ok(expected));
        }
    }

    #[test]
    fn what_is_no_url_of_ours_is_refused_with_the_reason() {
        for (url, what) in [
            ("127.0.0.1:8000", "is no URL"),
            ("https://h", "encryption"),
            ("ftp://h", "http://"),
            ("http://", "no host"),
            ("http://:80", "no host"),
            ("http://h:99999", "port"),
            ("http://h:", "port"),
            ("http://a b/", "characters"),
            ("http://u@h/", "characters"),
            ("http://h/\r\nx: y", "characters"),
        ] {
            let told = Target::parse(url).unwrap_err();
            assert!(told.contains(what) && told.contains("127.0.0.1"), "{told}");
        }
    }
}
