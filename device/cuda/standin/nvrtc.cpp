/* A libnvrtc for machines without a GPU: compiles kernels with the C++ compiler,
 * to what the stand-in's driver loads. It accepts one language more strictly
 * than needed: kernels are extern "C" functions, found by the word __global__. */
#include <nvrtc.h>

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

struct _nvrtcProgram {
	std::string source, log, image;
};

namespace {

/* Where this library lies, and shim.h with it. */
std::string folder() {
	Dl_info info;
	dladdr((void *)folder, &info);
	std::string path = info.dli_fname;
	size_t slash = path.rfind('/');
	return slash == path.npos ? "." : path.substr(0, slash);
}

/* Names of the kernels in a source. */
std::vector<std::string> kernels(const std::string &source) {
	std::vector<std::string> names;
	const std::string word = "__global__";
	for (size_t p = 0; (p = source.find(word, p)) != source.npos;) {
		p += word.size();
		size_t open = source.find('(', p);
		if (open != source.npos && source.compare(p, open - p, " void __launch_bounds__") == 0)
			open = source.find('(', source.find(')', open));
		if (open == source.npos) break;
		size_t end = open;
		while (end > p && isspace(source[end - 1])) end--;
		size_t start = end;
		while (start > p && (isalnum(source[start - 1]) || source[start - 1] == '_')) start--;
		names.push_back(source.substr(start, end - start));
	}
	return names;
}

std::string contents(const std::string &file) {
	std::stringstream text;
	text << std::ifstream(file, std::ios::binary).rdbuf();
	return text.str();
}

} // namespace

extern "C" {

/* No version of CUDA's, so that nothing compiled here is taken for the real thing. */
nvrtcResult nvrtcVersion(int *major, int *minor) {
	*major = 0;
	*minor = 1;
	return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetNumSupportedArchs(int *n) {
	*n = 1;
	return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetSupportedArchs(int *list) {
	*list = 90;
	return NVRTC_SUCCESS;
}

nvrtcResult nvrtcCreateProgram(nvrtcProgram *p, const char *source, const char *, int, const char *const *, const char *const *) {
	*p = new _nvrtcProgram{source, "", ""};
	return NVRTC_SUCCESS;
}

nvrtcResult nvrtcDestroyProgram(nvrtcProgram *p) {
	delete *p;
	*p = nullptr;
	return NVRTC_SUCCESS;
}

nvrtcResult nvrtcCompileProgram(nvrtcProgram p, int, const char *const *) {
	char dir[] = "/tmp/standin-XXXXXX";
	if (!mkdtemp(dir)) return NVRTC_ERROR_OUT_OF_MEMORY;
	std::string base = std::string(dir) + "/kernel";
	{
		std::ofstream f(base + ".cpp");
		f << "#line 1 \"kernel.cu\"\n" << p->source << "\n";
		for (const std::string &name : kernels(p->source)) f << "STANDIN_KERNEL(" << name << ")\n";
	}
	const char *cxx = getenv("CXX");
	std::string command = std::string(cxx ? cxx : "g++") +
		" -std=c++17 -O1 -fno-gnu-unique -ffp-contract=off -fno-strict-aliasing -fno-exceptions -fno-rtti -fPIC -shared -nostdlib -w"
		" -include " + folder() + "/shim.h -I" + folder() + " -o " + base + ".so " + base + ".cpp -lm -lgcc >" + base + ".log 2>&1";
	int code = system(command.c_str());
	p->log = contents(base + ".log");
	p->image = code ? "" : contents(base + ".so");
	for (const char *end : {".cpp", ".so", ".log"}) unlink((base + end).c_str());
	rmdir(dir);
	return code ? NVRTC_ERROR_COMPILATION : NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetCUBINSize(nvrtcProgram p, size_t *n) {
	*n = p->image.size();
	return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetCUBIN(nvrtcProgram p, char *image) {
	memcpy(image, p->image.data(), p->image.size());
	return NVRTC_SUCCESS;
}

/* There is machine code only. */
nvrtcResult nvrtcGetPTXSize(nvrtcProgram, size_t *n) {
	*n = 0;
	return NVRTC_ERROR_INVALID_INPUT;
}

nvrtcResult nvrtcGetPTX(nvrtcProgram, char *) { return NVRTC_ERROR_INVALID_INPUT; }

nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram p, size_t *n) {
	*n = p->log.size() + 1;
	return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetProgramLog(nvrtcProgram p, char *log) {
	memcpy(log, p->log.c_str(), p->log.size() + 1);
	return NVRTC_SUCCESS;
}
}
