// A Trigger turns a resource's pressure (0: idle, 1: used up) into how strongly an action is taken:
// 0 not at all, 1 in full (saturated). With one threshold there is nothing between.
#pragma once

namespace weir::overload {

struct Trigger {
  double scaling = 0;     // taken from above here on, and
  double saturation = 1;  // in full from here on

  static Trigger threshold(double value) { return {value, value}; }

  double level(double pressure) const {
    if (pressure >= saturation) return 1;
    if (pressure <= scaling) return 0;
    return (pressure - scaling) / (saturation - scaling);
  }
};

}  // namespace weir::overload
