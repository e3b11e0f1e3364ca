//! Logarithmic buckets: four to a doubling, by which the middle and the rank are told.

/// The bucket of a number.
pub fn of(number: i64) -> usize {
    if number < 64 {
        return 0;
    }
    // The greatest power of two that is not above the number.
    let mut exponent = 6;
    while exponent < 62 && number >= 1 << (exponent + 1) {
        exponent += 1;
    }
    let quarter = (number >> (exponent - 2)) & 3;
    let bucket = 1 + (exponent - 6) * 4 + quarter;
    if bucket > 63 { 63 } else { bucket as usize }
}

/// What a bucket stands for: its middle.
pub fn value(bucket: usize) -> f64 {
    if bucket == 0 {
        return 32.0;
    }
    let exponent = 6 + (bucket as i64 - 1) / 4;
    let quarter = (bucket as i64 - 1) % 4;
    let low = (4 + quarter) << (exponent - 2);
    let width = 1 << (exponent - 2);
    (low + width / 2) as f64
}

#[test]
fn buckets_are_quarters_of_doublings() {
    // From 64 in steps of 16, from 128 in steps of 32, from 256 in steps of 64.
    let cases = [
        (i64::MIN, 0),
        (-64, 0),
        (0, 0),
        (63, 0),
        (64, 1),
        (79, 1),
        (80, 2),
        (127, 4),
        (128, 5),
        (159, 5),
        (160, 6),
        (255, 8),
        (256, 9),
        // 2^21 = 2,097,152: its half more is the last bucket, without an upper end.
        (3_145_727, 62),
        (3_145_728, 63),
        (3_670_016, 63),
        (1 << 40, 63),
        (i64::MAX, 63),
    ];
    for (number, bucket) in cases {
        assert_eq!(of(number), bucket, "{number}");
    }
    // 64..80, 80..96, 112..128, 128..160, 256..320.
    for (bucket, middle) in [
        (0, 32.0),
        (1, 72.0),
        (2, 88.0),
        (4, 120.0),
        (5, 144.0),
        (9, 288.0),
        (63, 3_407_872.0),
    ] {
        assert_eq!(value(bucket), middle, "{bucket}");
    }
}
