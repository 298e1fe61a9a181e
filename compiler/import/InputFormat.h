// Inputs that an artifact takes as raw data, such as the bytes of an image: the flags --input-format, --mean, --scale and --resize.
#ifndef COMPILER_IMPORT_INPUTFORMAT_H
#define COMPILER_IMPORT_INPUTFORMAT_H

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lathe {

struct InputFormat {
  struct Size {
    int64_t height = 0, width = 0;
  };

  bool isBytes = true;        // uint8; else float32
  bool channelsLast = true;   // nhwc; else nchw
  bool reversed = false;      // bgr: the channels come in the reverse of the model's order
  std::optional<Size> source; // of the data; else what the model or --shapes says
  std::optional<Size> resize; // what the model gets
  std::vector<double> mean;   // in the model's order of channels, one for all or one each; empty: 0
  std::vector<double> scale;  // the same; empty: 1. The model gets (x - mean) * scale
};

/// By input name. `formats` are "NAME:u8|f32:nhwc|nchw[:HxW][:rgb|bgr]"; `means`, `scales` and `resizes` are "[NAME:]V[,V…]" and "[NAME:]HxW", whose name may
/// be left out if there is one format. Null and one line in `error` if something does not fit together.
std::optional<std::map<std::string, InputFormat>> parseInputFormats(const std::vector<std::string> &formats, const std::vector<std::string> &means,
                                                                    const std::vector<std::string> &scales, const std::vector<std::string> &resizes,
                                                                    std::string &error);

} // namespace lathe

#endif // COMPILER_IMPORT_INPUTFORMAT_H
