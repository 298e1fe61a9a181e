// The file readers of lathe-run against files as numpy 2 and onnx 1.23 write them, and against damaged ones.
#include "test/unit/runtime/Artifact.h"
#include "tools/lathe-run/Blake3.h"
#include "tools/lathe-run/Compare.h"
#include "tools/support/Status.h"
#include "tools/support/Suggest.h"
#include "tools/tensors/File.h"
#include "tools/tensors/Npy.h"
#include "tools/tensors/OnnxTensor.h"

#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>

namespace lathe::tools {
namespace {

std::string bytesOf(const std::string &hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2)
    bytes += char(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

template <typename F> std::string failure(F body, int code = InvalidInput) {
  try {
    body();
  } catch (const Failure &f) {
    EXPECT_EQ(f.code, code);
    return f.what();
  }
  return "no failure";
}

std::vector<double> values(const Tensor &tensor) {
  std::vector<double> result;
  for (size_t i = 0; i < tensor.count(); ++i)
    result.push_back(tensor.at(i));
  return result;
}

// As numpy.lib.format writes it.
std::string npy(const std::string &dict, const std::string &data, const std::string &start = "934e554d505901007600") {
  std::string header = dict;
  header.append(117 - dict.size(), ' ');
  return bytesOf(start) + header + "\n" + data;
}

TEST(Npy, ReadsWhatNumpyWrites) {
  Tensor t = parseNpy(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", bytesOf("000000000000003f0000803f0000c03f0000004000002040")), "x");
  EXPECT_EQ(t.dtype, uint32_t(LATHE_FLOAT32));
  EXPECT_EQ(t.dims, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(values(t), (std::vector<double>{0, 0.5, 1, 1.5, 2, 2.5}));
  t = parseNpy(npy("{'descr': '<i8', 'fortran_order': False, 'shape': (), }", bytesOf("f9ffffffffffffff")), "x");
  EXPECT_EQ(t.dims, std::vector<int64_t>());
  EXPECT_EQ(values(t), std::vector<double>{-7});
  t = parseNpy(npy("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", bytesOf("010001")), "x");
  EXPECT_EQ(t.dtype, uint32_t(LATHE_BOOL));
  EXPECT_EQ(values(t), (std::vector<double>{1, 0, 1}));
  t = parseNpy(npy("{'descr': '<f2', 'fortran_order': False, 'shape': (4,), }", bytesOf("003e00c00100ff7b")), "x");
  EXPECT_EQ(values(t), (std::vector<double>{1.5, -2, std::ldexp(1, -24), 65504}));
  t = parseNpy(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }", ""), "x");
  EXPECT_EQ(t.count(), 0u);
  t = parseNpy(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }", bytesOf("0000803f")), "x");
  EXPECT_EQ(values(t), std::vector<double>{1}) << "one dim has no order";
  t = parseNpy(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }", "\x05", "934e554d5059030076000000"), "x");
  EXPECT_EQ(values(t), std::vector<double>{5});
}

TEST(Npy, RefusesWhatItCannotRead) {
  auto text = [](const std::string &content) { return failure([&] { parseNpy(content, "x.npy"); }); };
  std::string four = bytesOf("0000803f");
  EXPECT_EQ(text("PK\3\4 an npz file, which is a zip"), "x.npy: is not an .npy file");
  EXPECT_EQ(text(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }", four)),
            "x.npy: is in Fortran order, expected C order; in numpy: np.ascontiguousarray(a)");
  EXPECT_EQ(text(npy("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", four)),
            "x.npy: is big-endian ('>f4'), expected little-endian; in numpy: a.astype(a.dtype.newbyteorder('<'))");
  EXPECT_EQ(text(npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", four)), "x.npy: has the type '|O', expected a float, integer or bool type");
  EXPECT_EQ(text(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", four)), "x.npy: has a structured type, expected a plain one");
  EXPECT_EQ(text(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", four)), "x.npy: has 4 bytes of data, expected 8 for 2 float32");
  EXPECT_EQ(text(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", four)),
            "x.npy: shape 4294967296x4294967296 is too large");
  EXPECT_EQ(text(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", four)), "x.npy: has a damaged shape");
  EXPECT_EQ(text(bytesOf("934e554d505904007600") + "{}"), "x.npy: has .npy format 4.0, expected 1.0 to 3.0");
  EXPECT_EQ(text(bytesOf("934e554d50590100ffff") + "{}"), "x.npy: is cut off in its header");
}

TEST(Npy, SurvivesDamage) {
  std::string good = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", bytesOf("0000803f"));
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_NE(failure([&] { parseNpy(good.substr(0, size), "x"); }), "no failure");
  for (size_t i = 0; i < 90; ++i)
    for (int value = 0; value < 256; ++value) {
      std::string changed = good;
      changed[i] = char(value);
      try {
        parseNpy(changed, "x");
      } catch (const Failure &) {
      }
    }
}

TEST(Npy, WritesWhatItReads) {
  test::TemporaryFolder folder;
  for (auto dims : {std::vector<int64_t>{}, {5}, {2, 3, 4}}) {
    Tensor t = Tensor::allocate(LATHE_INT16, dims, "t");
    for (size_t i = 0; i < t.bytes; ++i)
      t.data.get()[i] = (unsigned char)(i * 37);
    writeNpy(folder / "t.npy", t);
    EXPECT_EQ(std::filesystem::file_size(folder / "t.npy"), 128 + t.bytes);
    Tensor back = readNpy(folder / "t.npy");
    EXPECT_EQ(back.dims, t.dims);
    EXPECT_EQ(values(back), values(t));
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path), {}), 1) << "temporaries must be gone";
}

TEST(OnnxTensor, ReadsWhatOnnxWrites) {
  auto read = [](const char *hex) { return parseOnnxTensor(bytesOf(hex), "x"); };
  NamedTensor t = read("0802100122080000c03f000000c0420161");
  EXPECT_EQ(t.name, "a");
  EXPECT_EQ(t.tensor.dtype, uint32_t(LATHE_FLOAT32));
  EXPECT_EQ(values(t.tensor), (std::vector<double>{1.5, -2}));
  t = read("0801080210074201624a100100000000000000feffffffffffffff");
  EXPECT_EQ(t.tensor.dims, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(values(t.tensor), (std::vector<double>{1, -2}));
  EXPECT_EQ(values(read("080210073a0b01feffffffffffffffff01420162").tensor), (std::vector<double>{1, -2}));
  EXPECT_EQ(values(read("080310032a0c01feffffffffffffffff017f420163").tensor), (std::vector<double>{1, -2, 127}));
  EXPECT_EQ(values(read("0802100a2a05807c808003420164").tensor), (std::vector<double>{1.5, -2}));
  EXPECT_EQ(values(read("080210102a05c07f808003420164").tensor), (std::vector<double>{1.5, -2}));
  EXPECT_EQ(values(read("0801100b42016552089a9999999999b93f").tensor), std::vector<double>{0.1});
  EXPECT_EQ(values(read("0802100c4201665a060180d0acf30e").tensor), (std::vector<double>{1, 4000000000}));
  EXPECT_EQ(values(read("080210094201674a020100").tensor), (std::vector<double>{1, 0}));
  EXPECT_EQ(read("100142017a4a0400002040").tensor.dims, std::vector<int64_t>());
}

TEST(OnnxTensor, Refuses) {
  auto text = [](const std::string &bytes) { return failure([&] { parseOnnxTensor(bytes, "x.pb"); }); };
  EXPECT_EQ(text(bytesOf("08011008320178420173")), "x.pb: holds strings or external data, expected the numbers themselves");
  EXPECT_EQ(text(""), "x.pb: has the ONNX type 0, expected a float, integer or bool type");
  EXPECT_EQ(text("zzz"), "x.pb: is not an ONNX tensor file, or cut off");
  EXPECT_EQ(text(bytesOf("0803100122080000c03f000000c0")), "x.pb: has 8 bytes of data, expected 12 for 3 float32");
  EXPECT_EQ(text(bytesOf("080210073a01012a0101")), "x.pb: has its numbers in a field that does not belong to int64");
  EXPECT_EQ(text(bytesOf("08ffffffffffffffff7f1001")), "x.pb: shape 9223372036854775807 is not possible");
  EXPECT_EQ(text(bytesOf("08ffffffffffffffffff011001")), "x.pb: shape -1 is not possible");
}

TEST(OnnxTensor, SurvivesDamage) {
  std::string good = bytesOf("0801080210074201624a100100000000000000feffffffffffffff");
  for (size_t size = 0; size <= good.size(); ++size)
    for (size_t i = 0; i < size; ++i)
      for (int value = 0; value < 256; ++value) {
        std::string changed = good.substr(0, size);
        changed[i] = char(value);
        try {
          parseOnnxTensor(changed, "x");
        } catch (const Failure &) {
        }
      }
}

Tensor floats(std::vector<float> numbers) {
  Tensor t = Tensor::allocate(LATHE_FLOAT32, {int64_t(numbers.size())}, "t");
  std::copy(numbers.begin(), numbers.end(), reinterpret_cast<float *>(t.data.get()));
  return t;
}

TEST(Compare, ToleratesWhatItShould) {
  Tolerance tolerance{1e-3, 1e-7};
  EXPECT_TRUE(compare(floats({1, NAN, INFINITY, 0}), floats({1.0005f, NAN, INFINITY, 1e-8f}), tolerance).equal);
  EXPECT_FALSE(compare(floats({1}), floats({1.002f}), tolerance).equal);
  EXPECT_FALSE(compare(floats({NAN}), floats({1}), tolerance).equal);
  EXPECT_FALSE(compare(floats({1}), floats({NAN}), tolerance).equal);
  EXPECT_FALSE(compare(floats({INFINITY}), floats({1}), tolerance).equal);
  EXPECT_FALSE(compare(floats({1}), floats({INFINITY}), tolerance).equal) << "an infinite tolerance is none";
  EXPECT_FALSE(compare(floats({INFINITY}), floats({-INFINITY}), tolerance).equal);
  EXPECT_EQ(compare(floats({1, 2, 4}), floats({1, 3, 3}), tolerance).text,
            "max abs error 1, max rel error 0.333; 2 of 3 differ, first at [1]: got 2, expected 3");
  EXPECT_EQ(compare(floats({1}), floats({1, 2}), tolerance).text, "shape is 1, expected 2");
}

TEST(Blake3, AgreesWithLlvm) {
  // From llvm::BLAKE3 on bytes i % 251 (the pattern of the reference test vectors).
  const std::pair<size_t, const char *> known[] = {
      {0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"},
      {1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"},
      {63, "e9bc37a594daad83be9470df7f7b3798297c3d834ce80ba85d6e207627b7db7b"},
      {64, "4eed7141ea4a5cd4b788606bd23f46e212af9cacebacdc7d1f4c6dc7f2511b98"},
      {65, "de1e5fa0be70df6d2be8fffd0e99ceaa8eb6e8c93a63f2d8d1c30ecb6b263dee"},
      {1023, "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11"},
      {1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"},
      {1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"},
      {2048, "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a"},
      {2049, "5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030"},
      {3072, "b98cb0ff3623be03326b373de6b9095218513e64f1ee2edd2525c7ad1e5cffd2"},
      {5000, "ee78d92070de3df1c57c37002abf0a6b1a6589acdeef4d8ffac7cf3d9e8f2836"},
      {102400, "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085"},
      {1000003, "cd5a3272e01b1a2f47bb4565d8d202db0f95704d32550a2da61a0fd363d4c90d"},
  };
  for (auto [size, hash] : known) {
    std::vector<uint8_t> data(size);
    for (size_t i = 0; i < size; ++i)
      data[i] = uint8_t(i % 251);
    EXPECT_EQ(hexText(blake3(data.data(), size)), hash) << size;
  }
}

TEST(Suggest, TheNearest) {
  EXPECT_EQ(didYouMean("--thraeds", {"--threads", "--top"}), "; did you mean '--threads'?");
  EXPECT_EQ(didYouMean("--dumpprofile", {"--profile", "--dumpProfile"}), "; did you mean '--dumpProfile'?");
  EXPECT_EQ(didYouMean("zebra", {"--threads", "--top"}), "");
}

} // namespace
} // namespace lathe::tools
