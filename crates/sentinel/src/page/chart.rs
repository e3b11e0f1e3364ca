//! Drawings in SVG: columns over slots, curves over a logarithmic axis, single bars in a table.
//!
//! Every drawing has a title that says in words what it shows; its numbers stand in a table beside it.

use std::fmt::Write;

use super::{escape, grouped, percent, put};

/// Width and height of a drawing, in its own units.
pub(super) const WIDTH: f64 = 540.0;
const HEIGHT: f64 = 180.0;

/// Room for the axes.
pub(super) const LEFT: f64 = 52.0;
pub(super) const RIGHT: f64 = 8.0;
pub(super) const TOP: f64 = 10.0;
pub(super) const BOTTOM: f64 = 24.0;

/// A drawing with a vertical axis from 0.
struct Canvas {
    svg: String,
    top: f64,
}

impl Canvas {
    fn new(title: &str, greatest: f64, mark: &dyn Fn(f64) -> String) -> Self {
        let (step, top) = nice(greatest);
        let mut svg = String::new();
        put!(
            svg,
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{0}\"><title>{0}</title>",
            escape(title)
        );
        let mut canvas = Self { svg, top };
        let mut value = 0.0;
        while value <= top * 1.000_1 {
            let y = canvas.y(value);
            put!(
                canvas.svg,
                "<line class=\"gridline\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                y + 4.0,
                mark(value)
            );
            value += step;
        }
        canvas
    }

    fn y(&self, value: f64) -> f64 {
        let room = HEIGHT - TOP - BOTTOM;
        TOP + room * (1.0 - (value / self.top).clamp(0.0, 1.0))
    }

    fn below(&mut self, x: f64, text: &str) {
        let y = HEIGHT - 6.0;
        put!(
            self.svg,
            "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{}</text>",
            escape(text)
        );
    }

    fn finish(mut self) -> String {
        self.svg.push_str("</svg>");
        self.svg
    }
}

/// A round step of an axis, and the last mark that covers the greatest value.
fn nice(greatest: f64) -> (f64, f64) {
    if greatest <= 0.0 || !greatest.is_finite() {
        return (1.0, 1.0);
    }
    let raw = greatest / 4.0;
    let power = libm::pow(10.0, libm::floor(libm::log10(raw)));
    let times = [1.0, 2.0, 2.5, 5.0, 10.0];
    let step = times.iter().find(|times| *times * power >= raw * 0.999);
    let step = step.unwrap_or(&10.0) * power;
    (step, libm::ceil(greatest / step - 1e-9) * step)
}

/// One value a slot. `mean` is a dotted line across.
pub struct Columns<'a> {
    /// What it shows, in words.
    pub title: &'a str,
    /// Names of the slots; empty ones are not written.
    pub names: &'a [String],
    /// The class of the columns.
    pub class: &'a str,
    /// Values as shares.
    pub values: &'a [f64],
    /// A value to compare with.
    pub mean: Option<f64>,
}

/// Columns over slots of equal width.
pub fn columns(drawn: &Columns<'_>) -> String {
    let greatest = drawn.values.iter().copied().fold(0.0, f64::max);
    let greatest = drawn.mean.map_or(greatest, |mean| greatest.max(mean));
    let mut canvas = Canvas::new(drawn.title, greatest, &axis_percent);
    let width = (WIDTH - LEFT - RIGHT) / drawn.values.len().max(1) as f64;
    // Narrow ones overlap a little, or seams would show between them.
    let gap = if width > 6.0 { width * 0.15 } else { -0.4 };
    for (slot, value) in drawn.values.iter().enumerate() {
        let x = LEFT + slot as f64 * width;
        let y = canvas.y(*value);
        let name = drawn.names.get(slot).map_or("", String::as_str);
        put!(
            canvas.svg,
            "<rect class=\"{}\" x=\"{:.2}\" y=\"{y:.1}\" width=\"{:.2}\" height=\"{:.1}\"><title>{}: {}</title></rect>",
            drawn.class,
            x + gap / 2.0,
            width - gap,
            (HEIGHT - BOTTOM - y).max(0.0),
            escape(name),
            percent(*value)
        );
    }
    if let Some(mean) = drawn.mean {
        let y = canvas.y(mean);
        put!(
            canvas.svg,
            "<line class=\"mean\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>",
            WIDTH - RIGHT
        );
    }
    // As many names as have room, evenly spaced.
    let widest = drawn.names.iter().map(|name| name.chars().count()).max();
    let room = widest.unwrap_or(1) as f64 * 6.5 + 12.0;
    let mut free = LEFT - width;
    for (slot, name) in drawn.names.iter().enumerate() {
        let middle = LEFT + (slot as f64 + 0.5) * width;
        if middle - room / 2.0 >= free && middle + room / 2.0 <= WIDTH + 12.0 {
            canvas.below(middle, name);
            free = middle + room / 2.0;
        }
    }
    canvas.finish()
}

fn axis_percent(share: f64) -> String {
    let hundred = share * 100.0;
    let text = format!("{hundred:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} %")
}

/// Bins of a logarithm, curves over it.
pub struct Density<'a> {
    /// What it shows, in words.
    pub title: &'a str,
    /// Left edge and width of the bins, as natural logarithms.
    pub bins: (f64, f64),
    /// The share of rows in each bin.
    pub volume: &'a [f64],
    /// Class and share of each bin of further curves.
    pub curves: &'a [(&'a str, Vec<f64>)],
}

/// A histogram over a logarithmic axis of amounts.
pub fn density(drawn: &Density<'_>) -> String {
    let all = drawn.curves.iter().flat_map(|(_, values)| values);
    let greatest = all.chain(drawn.volume).copied().fold(0.0, f64::max);
    let mut canvas = Canvas::new(drawn.title, greatest, &axis_percent);
    let (first, wide) = drawn.bins;
    let width = (WIDTH - LEFT - RIGHT) / drawn.volume.len().max(1) as f64;
    for (bin, value) in drawn.volume.iter().enumerate() {
        let y = canvas.y(*value);
        let x = LEFT + bin as f64 * width;
        put!(
            canvas.svg,
            "<rect class=\"volume\" x=\"{x:.2}\" y=\"{y:.1}\" width=\"{:.2}\" height=\"{:.1}\"/>",
            (width - 0.5).max(0.5),
            (HEIGHT - BOTTOM - y).max(0.0)
        );
    }
    for (class, values) in drawn.curves {
        let mut points = String::new();
        for (bin, value) in values.iter().enumerate() {
            let x = LEFT + (bin as f64 + 0.5) * width;
            put!(points, "{x:.1},{:.1} ", canvas.y(*value));
        }
        put!(
            canvas.svg,
            "<polyline class=\"curve {class}\" points=\"{}\"/>",
            points.trim_end()
        );
    }
    let last = first + wide * drawn.volume.len() as f64;
    let mut amount = 0.01;
    while libm::log(amount) <= last {
        let at = (libm::log(amount) - first) / wide * width;
        if at >= 0.0 && LEFT + at <= WIDTH - 16.0 {
            canvas.below(LEFT + at, &amount_text(amount));
        }
        amount *= 10.0;
    }
    canvas.finish()
}

/// An amount on an axis: no more digits than it needs.
pub fn amount_text(amount: f64) -> String {
    if amount < 0.95 {
        return format!("{amount:.2}");
    }
    grouped(amount)
}

/// A bar in a cell of a table; what it says stands in the cell beside it.
pub fn bar(class: &str, value: f64, greatest: f64) -> String {
    let part = if greatest > 0.0 {
        (value / greatest).clamp(0.0, 1.0) * 100.0
    } else {
        0.0
    };
    format!(
        "<svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <rect class=\"{class}\" x=\"0\" y=\"1\" width=\"{part:.2}\" height=\"8\"/></svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_on_round_marks_that_cover_the_greatest_value() {
        for (greatest, step, top) in [(0.07, 0.02, 0.08), (1.0, 0.25, 1.0), (0.106, 0.05, 0.15)] {
            let found = nice(greatest);
            assert!(
                (found.0 - step).abs() < 1e-9 && (found.1 - top).abs() < 1e-9,
                "{found:?}"
            );
        }
        assert_eq!(nice(0.0), (1.0, 1.0));
    }
}
