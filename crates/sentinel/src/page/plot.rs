//! Curves over two axes, each from 0 or logarithmic.

use std::fmt::Write;

use super::chart::{BOTTOM, LEFT, RIGHT, TOP, WIDTH};
use super::{escape, put};

const HEIGHT: f64 = 260.0;

/// Room for the name of the horizontal axis.
const NAME: f64 = 16.0;

/// An axis of shares up to 1.
#[derive(Debug, Clone, Copy)]
pub struct Axis<'a> {
    /// What it counts.
    pub name: &'a str,
    /// Where a logarithmic one begins; smaller values lie on its end.
    pub logarithmic_from: Option<f64>,
}

/// A drawing of curves.
pub struct Plot<'a> {
    /// What it shows, in words.
    pub title: &'a str,
    /// From left to right.
    pub x: Axis<'a>,
    /// From below.
    pub y: Axis<'a>,
    /// Class and points of each curve.
    pub curves: &'a [(&'a str, Vec<(f64, f64)>)],
    /// Single points with what they are.
    pub points: &'a [(f64, f64, String)],
}

impl Axis<'_> {
    /// Where a share lies, 0 to 1.
    fn place(&self, share: f64) -> f64 {
        match self.logarithmic_from {
            None => share.clamp(0.0, 1.0),
            Some(from) => {
                let log = libm::log(share.clamp(from, 1.0) / from);
                log / libm::log(1.0 / from)
            }
        }
    }

    /// Marks with their texts.
    fn marks(&self) -> Vec<(f64, String)> {
        let Some(from) = self.logarithmic_from else {
            let quarters = [0.0, 0.25, 0.5, 0.75, 1.0];
            return quarters.iter().map(|at| (*at, short(*at))).collect();
        };
        let mut marks = Vec::new();
        let mut at = 1.0;
        while at > from * 0.999 {
            marks.push((at, short(at)));
            at /= 10.0;
        }
        marks
    }
}

/// A share in hundredths without needless digits.
fn short(share: f64) -> String {
    let text = format!("{:.4}", share * 100.0);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} %")
}

/// Draws it.
pub fn plot(drawn: &Plot<'_>) -> String {
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM - NAME);
    let x = |share: f64| LEFT + (right - LEFT) * drawn.x.place(share);
    let y = |share: f64| bottom - (bottom - TOP) * drawn.y.place(share);
    let mut svg = String::new();
    put!(
        svg,
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{0}\"><title>{0}</title>",
        escape(drawn.title)
    );
    for (at, text) in drawn.y.marks() {
        put!(
            svg,
            "<line class=\"gridline\" x1=\"{LEFT}\" x2=\"{right:.1}\" y1=\"{0:.1}\" y2=\"{0:.1}\"/>\
             <text x=\"{1:.1}\" y=\"{2:.1}\" text-anchor=\"end\">{text}</text>",
            y(at),
            LEFT - 6.0,
            y(at) + 4.0
        );
    }
    for (at, text) in drawn.x.marks() {
        // The last mark would run over the edge.
        let anchor = if at >= 1.0 { "end" } else { "middle" };
        put!(
            svg,
            "<line class=\"gridline\" x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{TOP}\" y2=\"{bottom:.1}\"/>\
             <text x=\"{0:.1}\" y=\"{1:.1}\" text-anchor=\"{anchor}\">{text}</text>",
            x(at),
            bottom + 14.0
        );
    }
    put!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
        (LEFT + right) / 2.0,
        HEIGHT - 4.0,
        escape(drawn.x.name)
    );
    for (class, points) in drawn.curves {
        let mut line = String::new();
        for (from_left, from_below) in points {
            put!(line, "{:.1},{:.1} ", x(*from_left), y(*from_below));
        }
        put!(
            svg,
            "<polyline class=\"curve {class}\" points=\"{}\"/>",
            line.trim_end()
        );
    }
    for (from_left, from_below, text) in drawn.points {
        put!(
            svg,
            "<circle class=\"point\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\"><title>{}</title></circle>",
            x(*from_left),
            y(*from_below),
            escape(text)
        );
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_place_and_mark_shares() {
        let even = Axis {
            name: "",
            logarithmic_from: None,
        };
        let logarithmic = Axis {
            name: "",
            logarithmic_from: Some(1e-4),
        };
        assert!((even.place(0.25) - 0.25).abs() < 1e-12);
        for (share, place) in [(1.0, 1.0), (0.01, 0.5), (1e-4, 0.0), (0.0, 0.0)] {
            assert!((logarithmic.place(share) - place).abs() < 1e-12, "{share}");
        }
        let marks: Vec<String> = logarithmic.marks().into_iter().map(|mark| mark.1).collect();
        assert_eq!(marks, ["100 %", "10 %", "1 %", "0.1 %", "0.01 %"]);
    }
}
